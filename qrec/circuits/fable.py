"""FABLE: a block encoding with one rotation per entry of the matrix.

Camps, Van Beeumen, "FABLE: fast approximate quantum circuits for block-encodings", IEEE
International Conference on Quantum Computing and Engineering (2022), arXiv:2205.00081.
"""

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qrec.circuits.parts.encoding import BlockEncoding
from qrec.circuits.parts.matrix import EXAMPLE, as_square, as_values, n_qubits
from qrec.circuits.parts.registers import colour, data, state
from qrec.circuits.parts.rotations import append_rotations, compression_error, value_scale


def fable(matrix: ArrayLike = EXAMPLE, threshold: float | None = None) -> QuantumCircuit:
    """Return the circuit of `encode` on 2n + 1 qubits: d (rows, n), a, s (columns, n)."""
    return encode(matrix, threshold).circuit


def encode(matrix: ArrayLike, threshold: float | None = None) -> BlockEncoding:
    """Encode a real 2^n x 2^n matrix M as M / (2^n max(1, max|M|)).

    `threshold` is the paper's cutoff delta_c in radians: rotations by no more than it are left
    out, with the CX gates that then cancel; None leaves the circuit whole. Raises ConfigError
    for a matrix of another shape or with complex or not finite entries.
    """
    square = as_square(matrix)
    values, n = as_values(square.ravel()), n_qubits(square)
    d, a, s = data(n), colour(), state(n)
    circuit = QuantumCircuit(d, a, s, name="fable")
    circuit.h(d)
    append_rotations(circuit, values, [*d, *s], a[0], threshold)
    for k in range(n):
        circuit.swap(d[k], s[k])
    circuit.h(d)
    error = compression_error(values, threshold)
    return BlockEncoding(circuit, value_scale(values) * 2**n, tuple(s), tuple(s), error)
