"""The encoding by Kerenidis's and Prakash's trees against the matrix itself."""

import numpy as np
import pytest
from qiskit.circuit.library import StatePreparation
from qiskit.quantum_info import Operator, Statevector

from qrec.circuits.kp_encoding import encode, kp_encoding
from qrec.errors import ConfigError

SHAPES = [(2, 2), (4, 4), (8, 8), (16, 16), (4, 8), (8, 4), (2, 8)]


def ratings(shape, seed=0):
    """Ratings from 0 to 5 of both signs, many of them exactly 0, and one user without any."""
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-1, 6, shape) * rng.integers(0, 2, shape).astype(float)
    matrix[-1] = 0.0
    matrix[0, -1], matrix[0, 0] = -2.0, 3.5
    return matrix


@pytest.mark.parametrize("shape", SHAPES)
def test_block_is_the_matrix(shape):
    matrix = ratings(shape)
    encoding = encode(matrix)
    assert encoding.subnormalisation == pytest.approx(np.linalg.norm(matrix))
    assert np.abs(encoding.matrix() - matrix).max() < 1e-12


@pytest.mark.parametrize("shape", SHAPES)
def test_costs_what_the_trees_have_nodes(shape):
    m, n = shape
    circuit = kp_encoding(np.random.default_rng(1).normal(size=shape))
    expected = {"ry": m * n - 1, "cx": m * n - 2}
    assert circuit.count_ops() == {name: number for name, number in expected.items() if number}
    assert 2**circuit.num_qubits == m * n


def test_each_register_holds_its_index_with_the_lowest_bit_first():
    """<0|_item <i|_user U |0>_user |j>_item, read from the whole unitary by Qiskit's numbers."""
    matrix = ratings((4, 8))
    unitary = Operator(kp_encoding(matrix)).data
    block = unitary[np.arange(4) * 8][:, np.arange(8)]  # item: qubits 0 to 2, user: 3 and 4
    np.testing.assert_allclose(block, matrix / np.linalg.norm(matrix), atol=1e-12)


def test_superposed_input():
    matrix = ratings((4, 8), seed=3)
    encoding = encode(matrix)
    psi = np.random.default_rng(2).normal(size=8) + 1j
    psi /= np.linalg.norm(psi)
    circuit = encoding.circuit.copy_empty_like()
    circuit.append(StatePreparation(psi), encoding.inputs[::-1])
    circuit.compose(encoding.circuit, inplace=True)
    found = Statevector(circuit).data[np.arange(4) * 8] * encoding.subnormalisation
    np.testing.assert_allclose(found, matrix @ psi, atol=1e-10)


@pytest.mark.parametrize("factor", [1e-300, 1e-5, 1e160])
def test_entries_of_any_size(factor):
    matrix = ratings((4, 4))
    encoding = encode(matrix * factor)
    assert encoding.subnormalisation == pytest.approx(np.linalg.norm(matrix) * factor)
    np.testing.assert_allclose(encoding.matrix() / factor, matrix, atol=1e-10)


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (np.zeros((4, 4)), "zeros"),
        (np.ones((4, 6)), r"shape \(4, 6\): expected 2\^m x 2\^n"),
        (np.ones((1, 4)), "m and n at least 1"),
        (np.ones(4), r"shape \(4,\)"),
        (np.full((2, 2), np.nan), "expected finite"),
        (np.full((2, 2), 1j), "complex"),
    ],
)
def test_what_cannot_be_encoded_is_said(matrix, said):
    with pytest.raises(ConfigError, match=said):
        encode(matrix)
