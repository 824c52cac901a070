"""What a mitigation is: workloads in, workloads asked, mitigated readings and their cost out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qrec.backends.base import Backend
from qrec.backends.workload import Reading, Workload

Ask = Callable[[Backend, Sequence[Workload]], Sequence[Reading]]


@dataclass(frozen=True, eq=False)
class Mitigated:
    """Mitigated readings of workloads, in their order, and what all that was asked for them costs.

    A reading's `stderr` is propagated from those of what was asked; its `shots` are those that
    went into each of its values, calibration left out.
    """

    readings: list[Reading]
    circuits: int  # workloads asked
    evaluations: int  # rows of parameters asked, of all circuits
    executions: int  # shots of all evaluations; 0 where readings are exact


class Mitigation(ABC):
    """A way to take noise out of readings, by asking a backend for more than is wanted.

    Circuits are changed after they were transpiled, where no optimiser takes the change away:
    what is asked are `Workload`s with ``isa=True``.
    """

    def mitigate(
        self, backend: Backend, workloads: Sequence[Workload], ask: Ask | None = None
    ) -> Mitigated:
        """Return mitigated readings of the workloads.

        `ask` questions the backend, as a step's does; without it the backend runs at once. It
        may be called more than once. Raises ConfigError where the backend or a circuit leaves
        the method nothing to work with.
        """
        asked: list[tuple[Workload, int]] = []

        def counting(backend: Backend, more: Sequence[Workload]) -> Sequence[Reading]:
            asked.extend((workload, backend.shots or 0) for workload in more)
            return backend.run(more) if ask is None else ask(backend, more)

        readings = self.readings(backend, workloads, counting)
        return Mitigated(
            readings,
            circuits=len(asked),
            evaluations=sum(len(workload) for workload, _ in asked),
            executions=sum(len(workload) * shots for workload, shots in asked),
        )

    @abstractmethod
    def readings(self, backend: Backend, workloads: Sequence[Workload], ask: Ask) -> list[Reading]:
        """Return the readings that `mitigate` does, in the shapes of the workloads' own."""


@dataclass(frozen=True)
class Stacked(Mitigation):
    """One mitigation on top of another: each reading that `outer` asks for is `inner`'s."""

    inner: Mitigation
    outer: Mitigation

    def readings(self, backend: Backend, workloads: Sequence[Workload], ask: Ask) -> list[Reading]:
        return self.outer.readings(
            backend, workloads, lambda where, more: self.inner.readings(where, more, ask)
        )
