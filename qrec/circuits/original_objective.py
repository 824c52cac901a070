"""The original objective: a Hadamard test of <i|U^dag M V|i> that controls every gate.

The objective is that of Wang, Song, Wang, "Variational quantum singular value decomposition",
Quantum 5, 483 (2021); the circuit is that of Jojo, Khandelwal, Chandra, arXiv:2310.19504,
Table I.
"""

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qrec.circuits.parts.hadamard import (
    Part,
    append_controlled,
    branch_pieces,
    controlled_flip,
    open_test,
)
from qrec.circuits.parts.matrix import EXAMPLE, as_square, n_qubits
from qrec.circuits.parts.registers import control, flip, state


def original_objective(
    matrix: ArrayLike = EXAMPLE,
    n_layers: int = 2,
    i: int = 0,
    j: int | None = None,
    part: Part = "real",
) -> QuantumCircuit:
    """Return the circuit with <Z> of c = Re or Im of <j|U^dag M V|i> / (2^(3n/2) scale).

    j is i where it is not given; scale is max(1, max|M|). The angles are `theta_u` and
    `theta_v`, each as in `layered_ansatz`. The Hadamard gates on d are shared by both
    branches; a flip of s from i to j is left out where i = j. Raises ConfigError when i or j
    is not below 2^n, for an unknown part, and for a matrix as `block_encoding.encode` does.
    """
    n = n_qubits(as_square(matrix))
    circuit = open_test(n, part)
    circuit.name = "original_objective"
    flip(circuit, state(n), i)
    for piece in branch_pieces(matrix, n_layers):
        append_controlled(circuit, piece, piece.count_ops())
    controlled_flip(circuit, n, i, i if j is None else j)
    circuit.h(control())
    return circuit
