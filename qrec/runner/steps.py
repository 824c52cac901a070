"""How the steps of a run stand, and who is at them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qrec.analysis.table import Column, Table, build_table
from qrec.experiments.base import Places
from qrec.runner.asking import Stored
from qrec.runner.drive import Work
from qrec.runner.load import restore
from qrec.runs.folder import find_run
from qrec.types import Row

STATES = ("done", "claimed", "waiting", "failed")


@dataclass(frozen=True, kw_only=True)
class StepRow(Row):
    """How one step stands, and which process does it."""

    step: str
    state: str
    host: str | None = None
    pid: int | None = None
    since: datetime | None = None  # UTC
    problem: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return super().as_dict() | {"since": self.since and self.since.isoformat()}


def steps_of(run: str, places: Places | None = None) -> list[StepRow]:
    """Return the steps of a run in their order: done, claimed, waiting or failed."""
    folder = find_run(run)
    work = Work(restore(folder, places), folder, Stored())
    # In this order: what is done while this looks is not taken for waiting.
    held, missing, done = work.claims.held(), work.missing(), work.outcomes.done()
    rows = []
    for step in work.steps:
        name, found = step.name, dict[str, Any](state="waiting")
        if name in done:
            found = {"state": "done"}
        elif name in missing:
            found = {"state": "failed", "problem": missing[name]}
        elif name in held:
            claim = held[name]
            who = {} if claim is None else claim.model_dump(exclude={"deaths"})
            found = {"state": "claimed"} | who
        rows.append(StepRow(step=name, **found))
    return rows


def steps_table(rows: list[StepRow]) -> Table:
    """Return the table of how steps stand."""
    columns: list[Column[StepRow]] = [
        Column("step", lambda row: row.step, text=True),
        Column("state", lambda row: row.state, text=True),
        Column("by", lambda row: row.host and f"{row.pid} on {row.host}", text=True),
        Column("since", lambda row: row.since and f"{row.since:%Y-%m-%d %H:%M:%S}", text=True),
        Column("why", lambda row: row.problem, text=True),
    ]
    counts = {state: sum(row.state == state for row in rows) for state in STATES}
    said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    used = [column for column in columns if any(column.value(row) for row in rows)]
    return build_table(f"{len(rows)} steps: {said}", used, rows)
