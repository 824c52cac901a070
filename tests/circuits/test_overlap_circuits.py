"""The SWAP test and the signed overlap test against the dot product they stand for."""

from collections.abc import Callable

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qrec.circuits.encodings import vectors_to_angles
from qrec.circuits.overlap_test import overlap_test
from qrec.circuits.swap_test import swap_test


def _probability_of_zero(
    circuit: QuantumCircuit, qubit: int, u: np.ndarray, v: np.ndarray
) -> float:
    angles = {"u": vectors_to_angles(u[None])[0], "v": vectors_to_angles(v[None])[0]}
    bound = circuit.assign_parameters(
        {p: angles[p.vector.name][p.index] for p in circuit.parameters}
    )
    return float(Statevector(bound).probabilities([qubit])[0])


@pytest.mark.parametrize("k", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("seed", range(4))
def test_swap_test_reads_the_squared_overlap(k: int, seed: int) -> None:
    u, v = np.random.default_rng([k, seed]).normal(size=(2, k))
    cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
    p0 = _probability_of_zero(swap_test(k), 0, u, v)
    assert p0 == pytest.approx((1 + cosine**2) / 2, abs=1e-12)


@pytest.mark.parametrize("k", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("seed", range(4))
def test_overlap_test_reads_the_signed_overlap(k: int, seed: int) -> None:
    u, v = np.random.default_rng([k, seed]).normal(size=(2, k))
    cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
    circuit = overlap_test(k)
    p0 = _probability_of_zero(circuit, circuit.num_qubits - 1, u, v)
    assert 2 * p0 - 1 == pytest.approx(cosine, abs=1e-12)
    opposite = _probability_of_zero(circuit, circuit.num_qubits - 1, u, -v)
    assert 2 * opposite - 1 == pytest.approx(-cosine, abs=1e-12)


@pytest.mark.parametrize(
    ("build", "k", "n_qubits"),
    [
        (swap_test, 4, 5),
        (swap_test, 5, 7),
        (swap_test, 8, 7),
        (overlap_test, 4, 3),
        (overlap_test, 8, 4),
    ],
)
def test_qubits(build: Callable[[int], QuantumCircuit], k: int, n_qubits: int) -> None:
    assert build(k).num_qubits == n_qubits
