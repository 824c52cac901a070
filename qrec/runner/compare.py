"""Comparing finished runs, by the predictions they hold or else row by row."""

from collections.abc import Sequence

from qrec.analysis.compare import StoredRun, compare_samples, compare_table
from qrec.analysis.side_by_side import compare_rows, compare_tables
from qrec.analysis.table import Table
from qrec.experiments.base import Compared, Places
from qrec.runner.asking import Stored
from qrec.runner.drive import Work
from qrec.runner.load import restore
from qrec.runner.run import require_finished
from qrec.runs.files import understood
from qrec.runs.folder import RunFolder, find_run
from qrec.types import Row


def compare_runs(
    runs: Sequence[str], places: Places | None = None
) -> tuple[Sequence[Row], list[Table]]:
    """Return how runs differ, as rows and as tables.

    Where all of them hold predictions these are compared pair by pair, see
    `qrec.analysis.compare`; all else row by row, see `qrec.analysis.side_by_side`. Of suites
    the experiments of the same label are compared. Raises NotFinishedError for a run that has
    not ended, ConfigError for runs that have nothing in common.
    """
    stored = [(find_run(run).id, _parts(find_run(run), places)) for run in runs]
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
    return rows, tables


def _parts(folder: RunFolder, places: Places | None) -> dict[str, Compared]:
    require_finished(folder)
    experiment = restore(folder, places)
    outcomes = Work(experiment, folder, Stored()).every_outcome()
    with understood(folder.path / "outcomes", f"the outcomes of {experiment.spec.kind}"):
        found = experiment.compared(outcomes, folder.record().details)
    return {part.name: part for part in found}
