"""Two finished runs on one page."""

from pathlib import Path

from qrec.analysis.beside import Side, write_beside
from qrec.experiments.base import Places
from qrec.runner.compare import compare_runs
from qrec.runner.run import Run, stored
from qrec.runs.folder import runs_dir


def report_beside(one: str, other: str, places: Places | None = None) -> Path:
    """Write a page that lays two runs side by side, among all runs; return its path.

    Raises what `compare_runs` raises for runs that cannot be compared.
    """
    found = compare_runs([one, other], places)
    first, second = (stored(run, places) for run in (one, other))
    path = runs_dir() / "reports" / f"{first.id}--{second.id}.html"
    write_beside(path, (_side(first), _side(second)), found.specs, found.tables)
    return path


def _side(run: Run) -> Side:
    return Side(run.id, run.folder.spec(), run.answer, run.tables, run.figures)
