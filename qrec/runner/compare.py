"""Comparing finished runs, by the predictions they hold or else row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qrec.analysis.compare import StoredRun, compare_samples, compare_table
from qrec.analysis.side_by_side import compare_rows, compare_tables
from qrec.analysis.specs import ABSENT, SpecDifference, spec_differences
from qrec.analysis.table import Table
from qrec.experiments.base import Compared, Places
from qrec.runner.asking import Stored
from qrec.runner.drive import Work
from qrec.runner.load import restore
from qrec.runner.run import require_finished
from qrec.runs.files import understood
from qrec.runs.folder import RunFolder, find_run
from qrec.types import Row


@dataclass(frozen=True)
class ComparedRuns:
    """How runs differ: in their experiments, and in what they found, as rows and as tables."""

    specs: list[SpecDifference]
    rows: list[Row]
    tables: list[Table]


def compare_runs(runs: Sequence[str], places: Places | None = None) -> ComparedRuns:
    """Return how runs differ.

    Where all of them hold predictions these are compared pair by pair, see
    `qrec.analysis.compare`; all else row by row, see `qrec.analysis.side_by_side`. Of suites
    the experiments of the same label are compared. Raises NotFinishedError for a run that has
    not ended, ConfigError for runs that have nothing in common.
    """
    folders = [find_run(run) for run in runs]
    stored = [(folder.id, _parts(folder, places)) for folder in folders]
    specs = spec_differences([folder.spec() for folder in folders])
    first = stored[0][1]
    paired = [n for n in first if all(n in parts and parts[n].samples for _, parts in stored)]
    rows: list[Row] = []
    tables: list[Table] = []
    for name in paired:
        of = [StoredRun(run, p[name].details["dataset"], p[name].samples) for run, p in stored]
        differences = compare_samples(of)
        rows += differences
        tables.append(compare_table(differences))
    others = [
        (run, [row for part in parts.values() if part.name not in paired for row in part.rows])
        for run, parts in stored
    ]
    if not paired or all(found for _, found in others):
        compared = compare_rows(others)
        rows += compared
        tables += compare_tables(compared)
    ratings = _ratings([parts for _, parts in stored])
    return ComparedRuns([*specs, *ratings], rows, tables)


def _ratings(runs: Sequence[Mapping[str, Compared]]) -> list[SpecDifference]:
    """Say where runs are on other ratings, which specs alone may not tell."""
    found = []
    for name in runs[0]:
        parts = [parts[name].details.get("dataset") for parts in runs if name in parts]
        hashes = [str(part["sha256"])[:12] if part else ABSENT for part in parts]
        if len(hashes) == len(runs) and len(set(hashes)) > 1:
            key = "sha256 of the ratings"
            found.append(SpecDifference(f"{name}: {key}" if name else key, hashes))
    return found


def _parts(folder: RunFolder, places: Places | None) -> dict[str, Compared]:
    require_finished(folder)
    experiment = restore(folder, places)
    outcomes = Work(experiment, folder, Stored()).every_outcome()
    with understood(folder.path / "outcomes", f"the outcomes of {experiment.spec.kind}"):
        found = experiment.compared(outcomes, folder.record().details)
    return {part.name: part for part in found}
