"""The quantum singular value decomposer: two parties train until their bits agree.

Bravo-Prieto, García-Martín, Latorre, "Quantum singular value decomposer", Phys. Rev. A 101,
062310 (2020), arXiv:1905.01353. The matrix is a state of two parties, the row register and the
column register; U^dag on the one and V^T on the other bring it to its Schmidt form, in which
both always read the same.
"""

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qrec.circuits.amplitude_embedding import append_tree
from qrec.circuits.encodings import vectors_to_angles
from qrec.circuits.layered_ansatz import layered_ansatz
from qrec.circuits.parts.matrix import EXAMPLE, as_square, n_qubits
from qrec.circuits.parts.registers import data
from qrec.errors import ConfigError


def qsvd(matrix: ArrayLike = EXAMPLE, n_layers: int = 2) -> QuantumCircuit:
    """Return the circuit with |C_jk|^2 = |M|_F^2 P(j on d(0..n-1), k on d(n..2n-1)).

    C = U^dag M V, and `projector` on d and the value 2^n j + k reads one element. The angles are
    `theta_u` and `theta_v`, each as in `layered_ansatz`. 2n qubits; the matrix costs 4^n - 1 RY
    and 4^n - 2 CX, a matrix of zeros becomes |0...0>. Raises ConfigError for a matrix that is
    not 2^n x 2^n or has complex or not finite entries.
    """
    square = as_square(matrix)
    if np.iscomplexobj(square):
        raise ConfigError("matrix has complex entries, which RY gates cannot put into amplitudes")
    n = n_qubits(square)
    d = data(2 * n)
    circuit = QuantumCircuit(d, name="qsvd")
    tree = QuantumCircuit(2 * n)
    append_tree(tree, vectors_to_angles(square.reshape(1, -1))[0])
    circuit.compose(tree, d[::-1], inplace=True)  # d[0] is the highest bit of an entry's number
    circuit.compose(layered_ansatz(n, n_layers, "theta_u").inverse(), d[:n], inplace=True)
    circuit.compose(_transpose(layered_ansatz(n, n_layers, "theta_v")), d[n:], inplace=True)
    return circuit


def _transpose(ansatz: QuantumCircuit) -> QuantumCircuit:
    """Return the transpose: the inverse, but RZ is symmetric and stays as it is."""
    circuit = ansatz.copy_empty_like()
    for instruction in reversed(ansatz.data):
        if instruction.operation.name == "ry":
            circuit.ry(-instruction.operation.params[0], instruction.qubits[0])
        else:
            circuit.append(instruction)
    return circuit
