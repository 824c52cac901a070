"""A block encoding by teleportation: project (column register, s) on Bell pairs.

``<Phi+| (sum_rc M_rc |r>|c>) |psi> = 2^(-n/2) M |psi>``, with the result in the row register.
The same block as `block_encoding` without Z-order, beta step and closing Hadamard gates.
"""

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qrec.circuits.parts.encoding import BlockEncoding
from qrec.circuits.parts.matrix import EXAMPLE, as_square, as_values, n_qubits
from qrec.circuits.parts.registers import state
from qrec.circuits.parts.rotations import compression_error, value_scale
from qrec.circuits.qpixl import qpixl


def bell_projection(matrix: ArrayLike = EXAMPLE) -> QuantumCircuit:
    """Return the circuit of `encode` on 3n + 1 qubits: d (rows, then columns), a, s (n)."""
    return encode(matrix).circuit


def encode(matrix: ArrayLike, threshold: float | None = None) -> BlockEncoding:
    """Encode a real 2^n x 2^n matrix M as M / (2^(3n/2) max(1, max|M|)), from s to d(0..n-1).

    `threshold` compresses the preparation, see `qpixl`. Raises ConfigError for a matrix of
    another shape or with complex or not finite entries.
    """
    square = as_square(matrix)
    values, n = as_values(square.ravel()), n_qubits(square)
    circuit = qpixl(values, threshold)
    circuit.name = "bell_projection"
    d, s = circuit.qregs[0], state(n)
    circuit.add_register(s)
    for k in range(n):
        circuit.cx(d[n + k], s[k])
        circuit.h(d[n + k])
    subnormalisation = value_scale(values) * 2 ** (1.5 * n)
    error = compression_error(values, threshold)
    return BlockEncoding(circuit, subnormalisation, tuple(s), tuple(d[:n]), error)
