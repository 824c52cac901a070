"""Doing the steps of a run that are not done, as far as they go."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from qrec.backends import noiseless
from qrec.backends.base import Backend
from qrec.errors import ConfigError
from qrec.experiments.base import Experiment, Step
from qrec.recommenders import load_recommender
from qrec.registry import check_name
from qrec.runner.asking import Asker, Mode, Unanswered
from qrec.runner.load import opened
from qrec.runs.folder import RunFolder
from qrec.runs.outcomes import Outcome, Outcomes
from qrec.runs.progress import Report
from qrec.threads import one_thread

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.@-]*")  # it becomes a file's


class Work:
    """An experiment in the folder of its run."""

    def __init__(self, experiment: Experiment, folder: RunFolder, mode: Mode) -> None:
        self.experiment, self.folder, self.mode = experiment, folder, mode
        self.outcomes = Outcomes(folder.path, experiment.rows_of)
        with opened(experiment.places):
            self.steps = experiment.steps()
        _check_steps(self.steps)

    def ready(self, besides: Sequence[str] = ()) -> list[Step]:
        """Return the steps that can be done now, but for those named `besides`."""
        return [
            step
            for step in self.steps
            if step.name not in besides
            and not self.outcomes.has(step.name)
            and all(self.outcomes.has(name) for name in step.after)
        ]

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return all(self.outcomes.has(step.name) for step in self.steps)

    def do(self, step: Step, report: Report) -> None:
        """Do a step and store what it found. Raises `Unanswered` where it has to wait."""
        done = sum(self.outcomes.has(other.name) for other in self.steps)

        def say(doing: str) -> None:
            report(doing, done, len(self.steps))

        backends = self.experiment.backends()
        asker = Asker(self.folder.path, step.name, backends, self.mode, say, step.own_name)
        say(step.name)
        with opened(self.experiment.places), one_thread():
            outcome = step.do(asker, self.have(step, asker))
        self.outcomes.write(step.name, outcome)

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
        """Return what all steps found, in their order."""
        return {step.name: self.outcomes.read(step.name) for step in self.steps}

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
    """Do every step that can be done, in order; return the questions that stopped others."""
    waiting: list[Unanswered] = []
    for step in _one_after_another(work, waiting):
        try:
            work.do(step, report)
        except Unanswered as question:
            waiting.append(question)
    return waiting


def _one_after_another(work: Work, waiting: Sequence[Unanswered]) -> Iterator[Step]:
    while ready := work.ready([question.step for question in waiting]):
        yield ready[0]
