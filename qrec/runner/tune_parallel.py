"""Several processes on one study, one thread each."""

from multiprocessing import connection
from multiprocessing.connection import Connection
from pathlib import Path

from qrec.errors import QrecError
from qrec.experiments.base import Places
from qrec.runner.executors import DIED, end_with_parent, plain_error, spawn
from qrec.runner.tune import Study, open_study
from qrec.runs.progress import Report, silent


def work_parallel(study: Study, jobs: int, report: Report) -> None:
    """Do the trials of a study in `jobs` processes.

    One that is killed is not missed: the others do its trial. Raises what a trial raised, and
    QrecError where all processes died.
    """
    pool = {}
    for _ in range(min(jobs, len(study.left()))):
        here, process = spawn(_serve, study.folder.path, study.experiment.places)
        pool[process.sentinel] = (process, here)
    died: int | None = None
    try:
        while pool:
            done = study.n_trials - len(study.left())
            report(f"{len(pool)} processes", done, study.n_trials)
            ended = connection.wait(list(pool), timeout=1.0)
            for process, line in [pool.pop(one) for one in list(pool) if one in ended]:
                try:
                    answer: Exception | None = line.recv()
                except DIED:
                    process.join()
                    died, answer = process.exitcode, None
                if answer is not None:
                    raise answer
    finally:
        for process, _ in pool.values():
            process.kill()
            process.join()
    if study.left():
        raise QrecError(
            f"study {study.folder.id}: its processes died (exit status {died}): out of memory? "
            f"What is finished is kept; go on with: qrec tune --resume {study.folder.id}"
        )


def _serve(line: Connection, path: Path, places: Places) -> None:
    """Work on a study until nothing is left of it; say what went wrong, if anything did."""
    end_with_parent()
    answer: Exception | None = None
    try:
        open_study(str(path), places).work(silent)
    except Exception as error:
        answer = plain_error(error)
    line.send(answer)
