"""What is raced: circuits, what is read, and their parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector, ParameterVectorElement
from qiskit.quantum_info import SparseObservable, SparsePauliOp

from qrec.circuits.angle_net import Entangler, angle_net
from qrec.recommenders.quantum import read_z
from qrec.types import Array

Angle = float | tuple[str, int]  # a number, or an element of a parameter vector


@dataclass(frozen=True)
class Gate:
    """A gate as every tool can be told of it; `name` is Qiskit's."""

    name: str
    qubits: tuple[int, ...]
    angles: tuple[Angle, ...]

    def values(self, vectors: Mapping[str, Any]) -> list[Any]:
        """Return the angles, those of parameters taken from `vectors`."""
        return [a if isinstance(a, float) else vectors[a[0]][a[1]] for a in self.angles]


@dataclass(frozen=True, eq=False)
class Work:
    """A circuit of the parameters ``theta``, which all rows share, ``u`` and ``v``, by row."""

    circuit: QuantumCircuit
    observable: SparseObservable

    @property
    def n_qubits(self) -> int:
        return int(self.circuit.num_qubits)

    def gates(self) -> list[Gate]:
        """Return the circuit, gate by gate."""
        place = {qubit: i for i, qubit in enumerate(self.circuit.qubits)}
        return [
            Gate(i.operation.name, tuple(place[q] for q in i.qubits), _angles(i.operation.params))
            for i in self.circuit.data
        ]

    def terms(self) -> list[tuple[str, list[int], float]]:
        """Return the observable as Pauli letters, their qubits, and a coefficient."""
        return [(p, q, c.real) for p, q, c in self.observable.as_paulis().to_sparse_list()]

    def operator(self) -> SparsePauliOp:
        """Return the observable as other estimators take it."""
        return SparsePauliOp.from_sparse_observable(self.observable.as_paulis())

    def theta(self) -> Array:
        rng = np.random.default_rng(1)
        return rng.uniform(0, 2 * np.pi, self._length("theta"))

    def rows(self, n_rows: int) -> tuple[Array, Array]:
        """Return ``u`` and ``v``, `(n_rows, length)` each; fewer rows are the first of more."""
        both = np.random.default_rng(2).normal(size=(n_rows, 2, self._length("u")))
        return both[:, 0], both[:, 1]

    def flat(self, n_rows: int) -> Array:
        """Return parameter rows in Qiskit's order: theta, u, v."""
        return np.hstack([np.tile(self.theta(), (n_rows, 1)), *self.rows(n_rows)])

    def bound(self) -> QuantumCircuit:
        """Return the circuit with theta in it, as in a fitted net."""
        theta = self.theta()
        shared = [p for p in self.circuit.parameters if p.vector.name == "theta"]
        return self.circuit.assign_parameters({p: theta[p.index] for p in shared})

    def _length(self, name: str) -> int:
        return sum(p.vector.name == name for p in self.circuit.parameters)


def net(n_factors: int, n_layers: int, entangler: Entangler) -> Work:
    """Return the angle net, read by Z of qubit 0."""
    circuit = angle_net(n_factors, n_layers, entangler)
    return Work(circuit, read_z(2 * n_factors, 0))


def complex_net(n_factors: int = 4, n_layers: int = 3) -> Work:
    """Return a net with complex amplitudes and an observable that is not diagonal.

    The angles go into RX and RZ; layers of U, controlled RZ and CNOT follow; X, Y and Z are read.
    """
    n = 2 * n_factors
    data = [*ParameterVector("u", n_factors), *ParameterVector("v", n_factors)]
    theta = ParameterVector("theta", 3 * n * n_layers)
    circuit = QuantumCircuit(n)
    for qubit in range(n):
        circuit.rx(data[qubit], qubit)
        circuit.rz(data[qubit], qubit)
    for layer in range(n_layers):
        for qubit in range(n):
            circuit.u(*theta[3 * (n * layer + qubit) :][:3], qubit)
        for qubit in reversed(range(1, n)):
            circuit.crz(0.3 * qubit, qubit, qubit - 1)
            circuit.cx(qubit, qubit - 1)
    terms = [("XZ", [0, n - 1], 1.0), ("ZY", [n - 2, n - 1], 0.5)]
    return Work(circuit, SparseObservable.from_sparse_list(terms, n))


def _angles(params: list[Any]) -> tuple[Angle, ...]:
    return tuple(
        (p.vector.name, p.index) if isinstance(p, ParameterVectorElement) else float(p)
        for p in params
    )
