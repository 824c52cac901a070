"""The results of a run again, from stored answers: a missing one ends it, and nothing is lost.

No answer is asked for twice. Exact values that a training took on the way are computed anew.
"""

import shutil

from qrec.experiments.base import Places
from qrec.runner.asking import Stored
from qrec.runner.drive import Work, drive
from qrec.runner.fetch import store_answers
from qrec.runner.load import restore
from qrec.runner.run import Run, found
from qrec.runs.answers import Answers
from qrec.runs.files import TEMPORARY
from qrec.runs.folder import find_run
from qrec.runs.jobs import read_jobs
from qrec.runs.ledger import Ledger
from qrec.runs.locks import only_worker
from qrec.runs.outcomes import Redone
from qrec.runs.progress import Report


def replay(run: str, places: Places, report: Report) -> Run:
    """Do the steps again that asked something, and those after them; make tables and report.

    What they find takes the old outcomes' place when all have ended. Raises NotFinishedError
    where an answer is missing, ConfigError where code or data changed since.
    """
    folder = find_run(run)
    experiment = restore(folder, places)
    with only_worker(folder):
        experiment.check_same(folder.record().details)
        work = Work(experiment, folder, Stored())
        store_answers(work, read_jobs(folder), Ledger())
        place = folder.path / f"{TEMPORARY}replay"
        redone = Redone(work.outcomes, place, _asking(work))
        work.outcomes = redone
        drive(work, report)
        redone.take_place()
        shutil.rmtree(place, ignore_errors=True)
        return found(folder, experiment)


def _asking(work: Work) -> list[str]:
    """Return the steps that asked something and those that read their outcomes, in order."""
    names: list[str] = []
    missing = work.missing()
    for step in (step for step in work.steps if step.name not in missing):
        asked = Answers(work.folder.path, step.name).asked(0) is not None
        if asked or any(name in names for name in step.after):
            names.append(step.name)
    return names
