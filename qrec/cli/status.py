"""``qrec status``: where the jobs are, and how far a run is."""

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from qrec.cli._shared import (
    AllowCode,
    AsJson,
    BackendsFile,
    cell,
    show_json,
    show_note,
    show_tables,
)
from qrec.errors import QrecError

if TYPE_CHECKING:
    from qrec.analysis.table import Table
    from qrec.runner.status import JobRow


def status(
    run: Annotated[
        str | None, typer.Argument(help="A run's id, a unique part of it, or `latest`.")
    ] = None,
    as_json: AsJson = False,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Show the jobs of all runs, or those of a run and how its steps stand."""
    from qrec.runner.run import make_places
    from qrec.runner.status import states
    from qrec.runner.steps import steps_of, steps_table

    places = make_places(None, backends, allow_code)
    rows = states(run, places)
    steps = []
    if run is not None:
        try:
            steps = steps_of(run, places)
        except QrecError as error:  # its jobs are at the service all the same
            show_note(str(error))
    if as_json:
        said = {"rows": [row.as_dict() for row in rows]}
        show_json(said | ({} if run is None else {"steps": [row.as_dict() for row in steps]}))
        return
    if steps:
        show_tables([steps_table(steps)])
    elif not rows:
        show_note("no job was submitted from here" if run is None else f"run {run} has no jobs")
    show_tables([_table(name, list(of)) for name, of in groupby(rows, key=lambda row: row.run)])


def _table(run: str, rows: "list[JobRow]") -> "Table":
    """Return the jobs of a run below its id, which is whole on its line."""
    from qrec.analysis.table import Column, build_table

    columns: list[Column[JobRow]] = [
        Column("backend", lambda row: row.backend, text=True),
        Column("job", lambda row: row.job, text=True),
        Column("state", lambda row: row.state, text=True),
        Column("executions", lambda row: row.executions, cell),
        Column("QPU s", lambda row: row.qpu_seconds, cell),
        Column("used s", lambda row: row.used_seconds, cell),
    ]
    said = {row.message: None for row in rows if row.message}
    notes = [
        f"{', '.join(row.job or row.state for row in rows if row.message == message)}: {message}"
        for message in said
    ]
    return build_table(f"run {run}", columns, rows, notes)
