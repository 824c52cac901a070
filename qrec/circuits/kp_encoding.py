"""The block encoding by the binary trees of the quantum recommendation system.

Kerenidis, Prakash, "Quantum recommendation systems" (ITCS 2017), arXiv:1603.08675: a tree over
each row of A and one over the norms of the rows give the two isometries
``|i> -> |A_i>|i>`` and ``|0> -> sum_i |A_i| |i> / |A|_F``, whose product is the block A / |A|_F.
"""

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit, QuantumRegister

from qrec.circuits.amplitude_embedding import append_tree
from qrec.circuits.encodings import vectors_to_angles
from qrec.circuits.parts.encoding import BlockEncoding
from qrec.circuits.parts.matrix import EXAMPLE, as_real_matrix, n_qubits
from qrec.circuits.parts.multiplexer import multiplexed_ry
from qrec.errors import ConfigError
from qrec.types import Array


def kp_encoding(matrix: ArrayLike = EXAMPLE) -> QuantumCircuit:
    """Return the circuit of `encode` on m + n qubits: item (n), user (m)."""
    return encode(matrix).circuit


def encode(matrix: ArrayLike) -> BlockEncoding:
    """Encode a real 2^m x 2^n matrix A, a row for each user, as A / |A|_F.

    The `inputs` are the qubits of the items and the `outputs` those of the users. MN - 1
    rotations and MN - 2 CX, no further qubit. An update of one entry changes m + n angles.
    Raises ConfigError for a matrix of another shape, with complex or not finite entries, or
    of zeros.
    """
    array = as_real_matrix(matrix)
    largest = np.abs(array).max()
    if largest == 0.0:
        raise ConfigError("matrix of zeros: no state has its entries as amplitudes")
    item = QuantumRegister(n_qubits(array.T), "item")
    user = QuantumRegister(n_qubits(array), "user")
    circuit = QuantumCircuit(item, user, name="kp_encoding")
    circuit.compose(norms_state(array), user, inplace=True)
    circuit.compose(row_states(array).inverse(), [*item, *user], inplace=True)
    norm = float(largest * np.linalg.norm(array / largest))
    return BlockEncoding(circuit, norm, tuple(item)[::-1], tuple(user)[::-1])


def norms_state(matrix: Array) -> QuantumCircuit:
    """Return the circuit of |0> -> sum_i |A_i| |i> / |A|_F."""
    circuit = QuantumCircuit(n_qubits(matrix))
    scaled = matrix / np.abs(matrix).max()  # so that no square leaves the range of floats
    [angles] = vectors_to_angles(np.linalg.norm(scaled, axis=1)[None])
    append_tree(circuit, angles)
    return circuit


def row_states(matrix: Array) -> QuantumCircuit:
    """Return the circuit of |0>|i> -> |A_i>|i>, the qubits of the items first."""
    m, n = n_qubits(matrix), n_qubits(matrix.T)
    circuit = QuantumCircuit(n + m)
    users, angles = range(n, n + m), vectors_to_angles(matrix)
    for level in range(n):
        target = n - 1 - level
        nodes = angles[:, 2**level - 1 : 2 ** (level + 1) - 1]  # of one user after the other
        multiplexed_ry(circuit, nodes.ravel(), [*range(target + 1, n), *users], target)
    return circuit
