"""Several processes on one study, one thread each."""

from multiprocessing.connection import Connection
from pathlib import Path

from qrec.experiments.base import Places
from qrec.runner.executors import Shared, serve_until_done, share
from qrec.runner.tune import Study, open_study
from qrec.runs.progress import Report, silent


def work_parallel(study: Study, jobs: int, report: Report) -> None:
    """Do the trials of a study in `jobs` processes.

    One that is killed is not missed: another does its trial. Raises what a trial raised, and
    QrecError where the processes die one after another.
    """
    folder = study.folder
    shared = Shared(
        folder.path,
        study.experiment.places,
        study.n_trials,
        lambda: len(study.left()),
        lambda: f"{jobs} processes",
        f"study {folder.id}",
        f"qrec tune --resume {folder.id}",
    )
    share(shared, _serve, jobs, report)


def _serve(line: Connection, path: Path, places: Places) -> None:
    """Do the trials of a study."""
    serve_until_done(line, lambda: open_study(str(path), places).work(silent))
