"""What goes to a backend and what comes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.backends.checks import check_angles, check_observable
from qrec.errors import ConfigError
from qrec.types import Array

if TYPE_CHECKING:
    from qrec.backends.base import Backend


@dataclass(frozen=True, eq=False)
class Workload:
    """One circuit, one or several diagonal observables and many rows of parameters: one PUB.

    A sequence of observables is read from the same shots, of all qubits that any of them reads.
    `parameters` is `(n_evaluations, n_parameters)`, its columns in the order of
    ``circuit.parameters``. The circuit is logical and holds no measurement; qubit order is
    Qiskit's. `key` names the workload within a run and seeds its shots. With `isa` the circuit
    is one of the backend's own ISA circuits, unmeasured, and is run as it is: nothing transpiles
    it, observables are on its qubits. Raises ConfigError where the shapes do not fit, and for
    numbers that are not finite or not real.
    """

    circuit: QuantumCircuit
    observables: SparseObservable | Sequence[SparseObservable]
    parameters: Array
    key: str
    isa: bool = False

    def __post_init__(self) -> None:
        expected = (len(self.parameters), self.circuit.num_parameters)
        if self.parameters.shape != expected:
            raise ConfigError(
                f"workload {self.key!r}: parameters of shape {self.parameters.shape}, "
                f"expected {expected} for {self.circuit.num_parameters} circuit parameters"
            )
        if not self.observable_list:
            raise ConfigError(f"workload {self.key!r}: no observable; expected one or more")
        where = f"workload {self.key!r}"
        for observable in self.observable_list:
            check_observable(observable, self.circuit.num_qubits, where)
        check_angles(self.parameters, self.circuit.parameters, where)

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def is_joint(self) -> bool:
        """Whether a sequence of observables was given, of however many."""
        return not isinstance(self.observables, SparseObservable)

    @property
    def observable_list(self) -> list[SparseObservable]:
        """The observables, in their order."""
        return list(self.observables) if self.is_joint else [self.observables]


@dataclass(frozen=True, eq=False)
class Reading:
    """Expectation values of one workload; where it is joint, a column for each observable.

    An exact backend gives ``stderr = 0`` and ``shots = None``.
    """

    value: Array  # (n_evaluations,) or (n_evaluations, n_observables)
    stderr: Array  # standard error of each value, in the same shape
    shots: int | None


@dataclass(frozen=True, eq=False)
class Asked:
    """A question that a piece of work asks a backend: these workloads, so many times."""

    backend: "Backend"
    workloads: list[Workload]
    times: int
