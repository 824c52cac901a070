"""Doing the steps of a run that are not done, as far as they go.

Any number of processes may do this in the same folder: each takes a step by claiming it. A step is
a plain function of what is stored, so whoever does it finds the same.
"""

import re
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from qrec.backends import noiseless
from qrec.backends.base import Backend
from qrec.errors import CodeError, ConfigError, NotFinishedError, PaidError, QrecError, StoredError
from qrec.experiments.base import Experiment, Step
from qrec.recommenders import load_recommender
from qrec.registry import check_name
from qrec.runner.asking import Asker, ByJobs, Mode, Unanswered
from qrec.runner.load import opened
from qrec.runs.claims import Claim, Claims
from qrec.runs.files import one_line
from qrec.runs.folder import RunFolder
from qrec.runs.outcomes import Outcome, Outcomes, Problem
from qrec.runs.progress import Report
from qrec.threads import one_thread

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.@-]*")  # it becomes a file's
_MOST_DEATHS = 3  # of processes at the same step, before it is taken for the step's own fault
_WAITS = 0.05, 5.0  # seconds, the shortest and the longest, where all that is left is others'


class Work:
    """An experiment in the folder of its run."""

    def __init__(self, experiment: Experiment, folder: RunFolder, mode: Mode) -> None:
        self.experiment, self.folder, self.mode = experiment, folder, mode
        self.outcomes = Outcomes(folder.path, experiment.rows_of)
        self.claims = Claims(folder.path)
        with opened(experiment.places):
            self.steps = experiment.steps()
        _check_steps(self.steps)

    def ready(self, besides: Sequence[str] = ()) -> list[Step]:
        """Return the steps that can be done now, but for those named `besides`."""
        done = self.outcomes.done()
        # What failed here is not left out of what is sent.
        failed = () if isinstance(self.mode, ByJobs) else self.outcomes.failed()
        ended = done.union(besides, failed)
        return [
            step
            for step in self.steps
            if step.name not in ended and all(name in done for name in step.after)
        ]

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.outcomes.done().issuperset(step.name for step in self.steps)

    def missing(self) -> dict[str, str]:
        """Return why steps could not be done, those that come after such steps among them."""
        done, failed, found = self.outcomes.done(), self.outcomes.failed(), dict[str, str]()
        for step in (step for step in self.steps if step.name not in done):
            needed = next((name for name in step.after if name in found), None)
            if step.name in failed:
                found[step.name] = self.outcomes.problem(step.name)
            elif needed is not None:
                found[step.name] = f"needs {needed}, which could not be done"
        return found

    def left(self) -> list[str]:
        """Return the steps that are not done and could be."""
        ended = self.outcomes.done().union(self.missing())
        return [step.name for step in self.steps if step.name not in ended]

    def do(self, step: Step, report: Report) -> None:
        """Do a step and store what it found. Raises `Unanswered` where it has to wait."""
        done = len(self.outcomes.done())

        def say(doing: str) -> None:
            report(doing, done, len(self.steps))

        backends = self.experiment.backends()
        asker = Asker(self.folder.path, step.name, backends, self.mode, say, step.own_name)
        say(step.name)
        with opened(self.experiment.places), one_thread():
            outcome = step.do(asker, self.have(step, asker))
        self.outcomes.write(step.name, outcome)

    def attempt(self, step: Step, claim: Claim, report: Report) -> None:
        """Do a step; where it cannot be done and the others go on, store why.

        What is no step's own, a full disk, a damaged folder or code that may not run, is raised in
        any case.
        """
        if not self.mode.goes_on:
            self.do(step, report)
        elif claim.deaths >= _MOST_DEATHS:
            self._fail(step, f"its process died {claim.deaths} times: out of memory?")
        else:
            try:
                self.do(step, report)
            except (CodeError, NotFinishedError, PaidError, StoredError, OSError):
                raise
            except QrecError as error:
                self._fail(step, one_line(error))
            except Exception as error:
                name = type(error).__name__
                said = f"{name}: {one_line(error)}" if str(error) else name
                self._fail(step, said, traceback.format_exc())

    def _fail(self, step: Step, problem: str, details: str = "") -> None:
        self.outcomes.fail(step.name, Problem(problem=problem, details=details))

    def have(self, step: Step, asker: Asker) -> Mapping[str, Outcome]:
        """Return the outcomes of the steps that a step comes after."""
        load = partial(load_recommender, backend=partial(self._asked_through, asker))
        return {name: self.outcomes.read(name, load) for name in step.after}

    def read(self, step: Step) -> Mapping[str, Outcome]:
        """Return the outcomes that a step comes after, for looking at alone."""
        return {
            name: self.outcomes.read(name, partial(load_recommender, backend=self._model_backend))
            for name in step.after
        }

    def every_outcome(self) -> dict[str, Outcome]:
        """Return what the steps found, in their order, but for those that could not be done."""
        missing = self.missing()
        names = [step.name for step in self.steps if step.name not in missing]
        return {name: self.outcomes.read(name) for name in names}

    def _asked_through(self, asker: Asker, spec: Mapping[str, Any]) -> Backend:
        return asker.wrap(self._model_backend(spec))

    def _model_backend(self, spec: Mapping[str, Any]) -> Backend:
        """Return the backend of a stored model: the experiment's own, or that without noise."""
        for backend in self.experiment.backends().values():
            if backend.spec.model_dump(mode="json") == spec:
                return backend
        if spec != noiseless().spec.model_dump(mode="json"):
            raise ConfigError(
                f"{self.folder.path}: a model was saved with a backend {spec.get('name')!r} that "
                "is none of the experiment's"
            )
        return noiseless()


def _check_steps(steps: Sequence[Step]) -> None:
    """Raise ConfigError where a name is no file's name or stands twice, or an order is none."""
    known: list[str] = []
    for step in steps:
        if not _NAME.fullmatch(step.name) or step.name in known:
            problem = "stands twice" if step.name in known else "expected letters, digits and _ - ."
            raise ConfigError(f"step {step.name!r}: {problem}")
        for name in step.after:
            check_name(name, known, f"earlier step (in step {step.name!r}: after)")
        known.append(step.name)


def drive(work: Work, report: Report) -> list[Unanswered]:
    """Do every step that can be done and that no other process does, until none is left.

    Steps of others are waited for, and done where these die. Returns the questions that stopped
    steps.
    """
    waiting: list[Unanswered] = []
    pause, longest = _WAITS
    while ready := work.ready([question.step for question in waiting]):
        try:
            did = _do_one(work, ready, report)
        except Unanswered as question:
            waiting.append(question)
            did = True
        if did:
            pause, _ = _WAITS
        else:
            report("waits for other processes", len(work.outcomes.done()), len(work.steps))
            time.sleep(pause)
            pause = min(2 * pause, longest)
    return waiting


def _do_one(work: Work, ready: Sequence[Step], report: Report) -> bool:
    """Do the first step that nobody else does. Returns whether there was one."""
    for step in ready:
        with work.claims.take(step.name) as claim:
            if claim is None:
                continue
            if step in work.ready():  # no other process ended it meanwhile
                work.attempt(step, claim, report)
            return True
    return False
