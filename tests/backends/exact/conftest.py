"""Random circuits, and Qiskit's own state vector as the reference."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import SparseObservable, SparsePauliOp, Statevector

Array = NDArray[np.float64]
_N_THETA, _N_X = 4, 3
_REAL = ("ry", "h", "x", "cx", "cz", "cry", "swap", "ccx", "cswap")
_COMPLEX = (*_REAL, "rx", "rz", "p", "u", "sx", "t", "crx", "cp", "rzz", "ecr", "iswap")


@dataclass
class RandomCircuit:
    """A circuit of vectors theta (4) and x (3) and a lone w, with values for some rows."""

    circuit: QuantumCircuit
    values: dict[str, Array]  # theta (4,), x (n_rows, 3), w ()

    def rows(self) -> Array:
        """Return the values as parameter rows in Qiskit's order."""
        return np.column_stack(
            [
                np.broadcast_to(self.values["theta"], (len(self.values["x"]), _N_THETA)),
                np.full(len(self.values["x"]), self.values["w"]),
                self.values["x"],
            ]
        )


def random_circuit(seed: int, n_qubits: int, depth: int, real: bool = False) -> RandomCircuit:
    """Return gates of every kind by angles that mix constants, shared and differing ones."""
    rng = np.random.default_rng(seed)
    theta, w, x = ParameterVector("theta", _N_THETA), Parameter("w"), ParameterVector("x", _N_X)
    circuit = QuantumCircuit(n_qubits)
    for qubit in range(n_qubits):
        circuit.ry(x[qubit % _N_X] + w, qubit)
    for place in range(depth):
        # A circuit without a gate on every parameter would have other columns.
        a, b = theta[place % _N_THETA], x[place % _N_X]
        angle = [a, b, 2 * b - a + 0.3, float(rng.normal()), w][rng.integers(5)]
        _append(circuit, str(rng.choice(_REAL if real else _COMPLEX)), angle, rng)
    circuit.ry(sum(theta) + sum(x) + w, 0)
    values = {"theta": rng.normal(size=4), "x": rng.normal(size=(3, 3)), "w": rng.normal(size=())}
    return RandomCircuit(circuit, values)


def _append(circuit: QuantumCircuit, name: str, angle: object, rng: np.random.Generator) -> None:
    angles = {"u": 3, "ccx": 0, "cswap": 0} | dict.fromkeys(
        ("rx", "ry", "rz", "p", "cry", "crx", "cp", "rzz"), 1
    )
    width = {"cx", "cz", "swap", "ecr", "iswap", "cry", "crx", "cp", "rzz"}
    n_qubits = 3 if name in ("ccx", "cswap") else 2 if name in width else 1
    if n_qubits <= circuit.num_qubits:
        qubits = [int(q) for q in rng.permutation(circuit.num_qubits)[:n_qubits]]
        getattr(circuit, name)(*[angle] * angles.get(name, 0), *qubits)


def random_observable(seed: int, n_qubits: int, diagonal: bool = False) -> SparseObservable:
    """Return three random terms, projectors among them."""
    rng = np.random.default_rng(seed)
    letters = list("Z01" if diagonal else "XYZ+-rl01")
    terms = []
    for _ in range(3):
        size = int(rng.integers(1, n_qubits + 1))
        qubits = [int(q) for q in rng.choice(n_qubits, size, replace=False)]
        terms.append(("".join(rng.choice(letters, size)), qubits, float(rng.normal())))
    return SparseObservable.from_sparse_list(terms, n_qubits)


def reference(circuit: QuantumCircuit, observable: SparseObservable, rows: Array) -> Array:
    """Return the expectation values by Qiskit's `Statevector`, one row at a time."""
    operator = SparsePauliOp.from_sparse_observable(observable.as_paulis())
    states = (Statevector(circuit.assign_parameters(row)) for row in rows)
    return np.array([state.expectation_value(operator).real for state in states])


@pytest.fixture(scope="session")
def oracle() -> Callable[[QuantumCircuit, SparseObservable, Array], Array]:
    return reference


@pytest.fixture(scope="session")
def make_circuit() -> Callable[..., RandomCircuit]:
    return random_circuit


@pytest.fixture(scope="session")
def make_observable() -> Callable[..., SparseObservable]:
    return random_observable
