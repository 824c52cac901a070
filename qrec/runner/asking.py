"""How a step's questions are answered: here and now, by jobs, or only from what is stored."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from qrec.analysis.count import count, executed_circuit
from qrec.backends.base import Advance, Backend, Raw, Unit
from qrec.backends.readings import read
from qrec.backends.workload import Reading, Workload
from qrec.errors import ConfigError, NotFinishedError
from qrec.runs.answers import Answers, Fingerprint
from qrec.runs.circuits import Circuits, Cost
from qrec.runs.files import understood

Say = Callable[[str], None]
Prepare = Callable[[], list[Unit]]
IDEAL = "noiseless"  # what a run calls the backend that no entry of backends.yaml stands for


class Unanswered(BaseException):
    """A question that has no answer yet: it stops the step.

    No `Exception`, so that it passes through whatever stands between, optimisers too.
    """

    def __init__(self, step: str, number: int, backend: str, units: Sequence[Unit]) -> None:
        super().__init__(f"step {step}, question {number} to {backend}")
        self.step, self.number, self.backend, self.units = step, number, backend, units


class Mode(ABC):
    """Where an answer comes from that is not stored."""

    # Whether the other steps go on where one cannot be done. Nothing is sent for a part of a run,
    # and nothing is made again of one.
    goes_on: ClassVar[bool] = False

    @abstractmethod
    def answer(self, asker: "Asker", backend: Backend, prepare: Prepare) -> list[Raw]:
        """Return the raw results of what `prepare` returns when it is called, or raise."""


class Here(Mode):
    """A free backend answers at once; one that costs refuses, as nothing permits it."""

    goes_on = True

    def answer(self, asker: "Asker", backend: Backend, prepare: Prepare) -> list[Raw]:
        return backend.answer(prepare(), lambda done, of: asker.say(f"{done} of {of} evaluations"))


class ByJobs(Mode):
    """What takes shots is asked by jobs; exact values cost nothing and come at once."""

    def answer(self, asker: "Asker", backend: Backend, prepare: Prepare) -> list[Raw]:
        if backend.answers_at_once:
            return Here().answer(asker, backend, prepare)
        raise Unanswered(asker.step, asker.number, asker.name_of(backend), prepare())


class Stored(Mode):
    """Nothing is asked of any backend."""

    def answer(self, asker: "Asker", backend: Backend, prepare: Prepare) -> list[Raw]:
        raise NotFinishedError(
            f"step {asker.step}: the answer to question {asker.number} is not stored"
        )


class Asker:
    """The `Ask` of one step; see `qrec.experiments.base.Ask`.

    `names` are the backends of the experiment, by name; `prefix` begins the keys of what models
    ask, and is the step's name where it is empty.
    """

    def __init__(
        self,
        run: Path,
        step: str,
        names: dict[str, Backend],
        mode: Mode,
        say: Say,
        prefix: str = "",
    ) -> None:
        self._prefix = prefix or step
        self.step, self.number = step, -1
        self._answers, self._circuits = Answers(run, step), Circuits(run, step)
        self._names, self._mode, self._say = names, mode, say
        self._asked: tuple[str, Sequence[Workload]] = "", []  # the last question

    def __call__(self, backend: Backend, workloads: Sequence[Workload]) -> list[Reading]:
        if not workloads:
            return []
        self.number += 1
        name = self.name_of(backend)
        forms = [self._circuits.form(workload) for workload in workloads]
        asked = Fingerprint.of(name, workloads, forms)
        self._answers.check_same(self.number, asked)
        if not self._answers.has(self.number):
            self._ask(name, backend, workloads, asked)
        raws = self._answers.read(self.number)
        self._asked = name, workloads
        with understood(self._answers.path(self.number), "the answer to what is asked"):
            return [read(*pair) for pair in zip(workloads, raws, strict=True)]

    @property
    def costs(self) -> list[Cost]:
        name, workloads = self._asked
        return self._circuits.costs(name, workloads)

    def wrap(self, backend: Backend) -> Backend:
        if backend.answers_at_once:
            return backend
        recorded = copy(backend)

        def run(workloads: Sequence[Workload], advance: Advance | None = None) -> list[Reading]:
            del advance  # `say` tells how far it is
            # Models call their workloads alike: the step's name tells their shots apart.
            own = [replace(w, key=f"{self._prefix}/{w.key}") for w in workloads]
            return self(backend, own)

        recorded.run = run  # type: ignore[method-assign]
        return recorded

    def say(self, doing: str) -> None:
        self._say(f"{self.step}: {doing}")

    def name_of(self, backend: Backend) -> str:
        """Return what the experiment calls a backend."""
        for name, known in self._names.items():
            if known is backend:
                return name
        if backend.answers_at_once:
            return IDEAL
        raise ConfigError(
            f"step {self.step}: backend {backend.name!r} is none of the experiment's: "
            f"{', '.join(self._names) or 'it names none'}"
        )

    def _ask(
        self, name: str, backend: Backend, workloads: Sequence[Workload], asked: Fingerprint
    ) -> None:
        """Ask, and store the answer; where there is none yet, store the question."""
        cost = partial(_cost, backend)
        prepare = partial(self._circuits.prepare, backend, name, workloads, cost)
        try:
            raws = self._mode.answer(self, backend, prepare)
        except Unanswered:
            self._answers.write_asked(self.number, asked)
            raise
        self._answers.write(self.number, asked, raws)


def _cost(backend: Backend, unit: Unit) -> Cost:
    logical, executed = unit.workload.circuit, executed_circuit(backend, unit)
    return {"logical": count(logical), "isa": count(unit.circuit), "executed": count(executed)}
