"""One line about each run on disk. Nothing that a run names is loaded, and no folder stops it."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qrec.errors import QrecError
from qrec.runs.files import one_line
from qrec.runs.folder import RunFolder, runs_dir
from qrec.runs.ledger import LEDGER, JobRecord, Ledger
from qrec.runs.outcomes import Outcomes
from qrec.types import Row

_UNDER_WAY = ("PLANNED", "SUBMITTING", "SUBMITTED")


@dataclass(frozen=True, kw_only=True)
class RunRow(Row):
    """What is known of a run without running anything of it."""

    run: str
    experiment: str | None
    dataset: str | None
    backends: tuple[str, ...]
    best: str | None  # of a comparison: who has the lowest RMSE on all held-out pairs
    best_rmse: float | None
    state: str


def summaries() -> list[RunRow]:
    """Return a row for every folder that could be a run, oldest first."""
    paths = sorted(path for path in runs_dir().glob("[0-9]*") if path.is_dir())
    jobs, problem = _jobs()
    return [
        _row(RunFolder(path), [job for job in jobs if job.run == path.name], problem)
        for path in paths
    ]


def _jobs() -> tuple[list[JobRecord], str]:
    """Return the jobs of all runs, and what is wrong with the ledger, if anything is."""
    if not (runs_dir() / LEDGER).exists():
        return [], ""
    try:
        return Ledger().jobs(), ""
    except (QrecError, OSError) as error:
        return [], f"; its jobs are not known: {one_line(error)}"


def _row(run: RunFolder, jobs: Sequence[JobRecord], problem: str) -> RunRow:
    said: dict[str, Any] = {"experiment": None, "dataset": None, "backends": ()}
    best: tuple[float | None, str | None] = None, None
    try:
        run.check_plain()
        spec = run.spec()
        said |= {"experiment": str(spec.get("name")), "dataset": _dataset(spec)}
        record = run.record()
        said["backends"] = tuple(record.backends)
        if run.finished and spec.get("kind") == "comparison":
            best = _best(run.rows_path)
        n_steps = record.details.get("n_steps")
        state = _finished(run) if run.finished else _progress(run, n_steps, jobs) + problem
    except (QrecError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        state = f"damaged: {one_line(error)}"
    return RunRow(run=run.id, best=best[1], best_rmse=best[0], state=state, **said)


def _dataset(spec: dict[str, Any]) -> str | None:
    """Return the name of the data set of an experiment, or of those of a suite."""
    members = spec.get("experiments")
    found = [
        str(dataset.get("name"))
        for one in (members if isinstance(members, list) else [spec])
        if isinstance(one, dict) and isinstance(dataset := one.get("dataset"), dict)
    ]
    return ", ".join(dict.fromkeys(found)) or None


def _best(path: Path) -> tuple[float | None, str | None]:
    """Return RMSE and name of the best row; those on a drawn sample of pairs do not compare."""
    with path.open(newline="", encoding="utf-8") as file:
        found = [
            (float(row["rmse"]), row["recommender"])
            for row in csv.DictReader(file)
            if row["rmse"] and row["scored_on"] == "test" and not row["shots"]
        ]
    return min(found, default=(None, None))


def _finished(run: RunFolder) -> str:
    failed = Outcomes(run.path, ()).failed()
    return f"finished, {len(failed)} steps could not be done" if failed else "finished"


def _progress(run: RunFolder, n_steps: int | None, jobs: Sequence[JobRecord]) -> str:
    done = Outcomes(run.path, ()).done()
    said = f"{len(done)} of {n_steps or '?'} steps"
    waiting = sum(job.state in _UNDER_WAY for job in jobs)
    failed = sum(job.state == "FAILED" for job in jobs)
    if waiting:
        said += f", waiting for {waiting} of {len(jobs)} jobs"
    return f"{said}, {failed} jobs failed" if failed else said
