"""Comparing finished runs, by the predictions they hold or else row by row."""

from collections.abc import Sequence

from qrec.analysis.compare import StoredRun, compare_samples, compare_table
from qrec.analysis.side_by_side import compare_rows, compare_tables
from qrec.analysis.table import Table
from qrec.runner.asking import Stored
from qrec.runner.drive import Work
from qrec.runner.load import restore
from qrec.runner.run import require_finished
from qrec.runs.folder import find_run
from qrec.types import Row


def compare_runs(runs: Sequence[str]) -> tuple[Sequence[Row], list[Table]]:
    """Return how runs differ, as rows and as tables.

    Where all of them hold predictions these are compared pair by pair, see
    `qrec.analysis.compare`; other runs row by row, see `qrec.analysis.side_by_side`. Raises
    NotFinishedError for a run that has not ended, ConfigError for runs that have nothing in
    common.
    """
    paired, others = [], []
    for run in runs:
        folder = find_run(run)
        require_finished(folder)
        experiment = restore(folder)
        outcomes = Work(experiment, folder, Stored()).every_outcome()
        if samples := experiment.samples(outcomes):
            details = folder.record().details
            paired.append(StoredRun(folder.id, details["dataset"], samples))
        others.append((folder.id, experiment.rows(outcomes)))
    if len(paired) == len(runs):
        rows = compare_samples(paired)
        return rows, [compare_table(rows)]
    compared = compare_rows(others)
    return compared, compare_tables(compared)
