"""Transfer matrices against Qiskit's own."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import (
    CRXGate,
    CSwapGate,
    CXGate,
    HGate,
    RXGate,
    RYGate,
    RZGate,
    SGate,
    SwapGate,
    TGate,
)  # fmt: skip
from qiskit.quantum_info import PTM, Kraus, Operator, random_quantum_channel, random_unitary

from qrec.backends.exact.read.pauli import (
    embed,
    is_signed_permutation,
    local,
    rotation_parts,
    spread,
    transfer,
    unitary_transfer,
)  # fmt: skip


@pytest.mark.parametrize("gate", [HGate(), TGate(), CXGate(), CRXGate(0.4), CSwapGate()])
def test_of_gates(gate) -> None:
    np.testing.assert_allclose(
        unitary_transfer(gate.to_matrix()), PTM(Operator(gate)).data.real, atol=1e-12
    )


@pytest.mark.parametrize("n_qubits", [1, 2])
def test_of_channels(n_qubits: int) -> None:
    channel = random_quantum_channel(2**n_qubits, seed=4)
    kraus = np.array(Kraus(channel).data)
    np.testing.assert_allclose(transfer(kraus), PTM(channel).data.real, atol=1e-12)


@pytest.mark.parametrize("gate", [RXGate, RYGate, RZGate])
def test_rotations_are_linear_in_cos_and_sin(gate) -> None:
    still, cos, sin = rotation_parts(gate(0.0).name)
    for angle in (-2.0, 0.3):
        np.testing.assert_allclose(
            still + np.cos(angle) * cos + np.sin(angle) * sin,
            PTM(Operator(gate(angle))).data.real,
            atol=1e-12,
        )


def test_embedding_follows_qiskits_qubit_order() -> None:
    unitary = random_unitary(4, seed=2)
    circuit = QuantumCircuit(3)
    circuit.unitary(unitary, [2, 0])
    np.testing.assert_allclose(
        embed(unitary_transfer(unitary.data), (2, 0), 3),
        PTM(Operator(circuit)).data.real,
        atol=1e-12,
    )


@pytest.mark.parametrize(
    ("gate", "expected"),
    [(HGate(), True), (SGate(), True), (SwapGate(), True), (RYGate(np.pi / 2), True),
     (TGate(), False), (RYGate(0.3), False), (CSwapGate(), False)],
)  # fmt: skip
def test_tells_clifford_gates(gate, expected: bool) -> None:
    assert is_signed_permutation(unitary_transfer(gate.to_matrix())) is expected


def test_local_digits_and_back() -> None:
    codes = np.random.default_rng(0).integers(4**6, size=50)
    qubits = (4, 1)
    rest = (0, 2, 3, 5)
    both = spread(local(codes, qubits), qubits) + spread(local(codes, rest), rest)
    np.testing.assert_array_equal(both, codes)
