"""What goes to a backend and what comes back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.errors import ConfigError

if TYPE_CHECKING:
    from qrec.backends.base import Backend


@dataclass(frozen=True, eq=False)
class Workload:
    """One circuit, one diagonal observable and many rows of parameters: one PUB.

    `parameters` is `(n_evaluations, n_parameters)`, its columns in the order of
    ``circuit.parameters``. The circuit is logical and holds no measurement; qubit order is
    Qiskit's. `key` names the workload within a run and seeds its shots.
    """

    circuit: QuantumCircuit
    observable: SparseObservable
    parameters: NDArray[np.float64]
    key: str

    def __post_init__(self) -> None:
        expected = (len(self.parameters), self.circuit.num_parameters)
        if self.parameters.shape != expected:
            raise ConfigError(
                f"workload {self.key!r}: parameters of shape {self.parameters.shape}, "
                f"expected {expected} for {self.circuit.num_parameters} circuit parameters"
            )
        if self.observable.num_qubits != self.circuit.num_qubits:
            raise ConfigError(
                f"workload {self.key!r}: observable on {self.observable.num_qubits} qubits, "
                f"circuit on {self.circuit.num_qubits}"
            )

    def __len__(self) -> int:
        return len(self.parameters)


@dataclass(frozen=True, eq=False)
class Reading:
    """Expectation values of one workload.

    An exact backend gives ``stderr = 0`` and ``shots = None``.
    """

    value: NDArray[np.float64]  # (n_evaluations,)
    stderr: NDArray[np.float64]  # (n_evaluations,) standard error of value
    shots: int | None


@dataclass(frozen=True, eq=False)
class Asked:
    """A question that a piece of work asks a backend: these workloads, so many times."""

    backend: "Backend"
    workloads: list[Workload]
    times: int
