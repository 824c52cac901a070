"""A block encoding of any matrix whose Z-ordered entries can be prepared as a state.

Jojo, Khandelwal, Chandra, "On modifying the variational quantum singular value decomposition
algorithm", arXiv:2310.19504: a Bell-basis change on each (column bit, row bit) pair turns the
entries into Pauli coefficients, and the beta step applies the Pauli that the pair names.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qrec.circuits.parts.encoding import BlockEncoding
from qrec.circuits.parts.matrix import EXAMPLE, as_values, n_qubits, scaled, z_order
from qrec.circuits.parts.preparation import prepare
from qrec.circuits.parts.registers import data, state
from qrec.circuits.parts.rotations import compression_error, value_scale
from qrec.circuits.qpixl import qpixl
from qrec.errors import ConfigError

Order = Literal["xz", "zx"]


def block_encoding(matrix: ArrayLike = EXAMPLE) -> QuantumCircuit:
    """Return the circuit of `encode` on 3n + 1 qubits: d (2n), a, s (n)."""
    return encode(matrix).circuit


def encode(matrix: ArrayLike, threshold: float | None = None) -> BlockEncoding:
    """Encode a real 2^n x 2^n matrix M, prepared by QPIXL, as M / (2^(3n/2) max(1, max|M|)).

    `threshold` compresses the preparation, see `qpixl`. Raises ConfigError for a matrix of
    another shape or with complex or not finite entries.
    """
    values = as_values(z_order(matrix))
    norm = value_scale(values) * np.sqrt(len(values))
    error = compression_error(values, threshold)
    return encode_prepared(qpixl(values, threshold), norm, error=error)


def encode_state(matrix: ArrayLike) -> BlockEncoding:
    """Encode a real or complex 2^n x 2^n matrix M as M / (2^(n/2) ||M||_F), eq. 21 and 22.

    The entries are the amplitudes themselves, prepared by `parts.preparation`.
    Raises ConfigError as `as_square` does, and for M = 0.
    """
    vector, scale = scaled(z_order(matrix))
    norm = float(np.linalg.norm(vector))
    if norm == 0.0:
        raise ConfigError("matrix of zeros: no state has its entries as amplitudes")
    d = data(n_qubits(vector))
    preparation = QuantumCircuit(d)
    # Amplitudes stand by Qiskit's basis index: d[0] is the highest bit.
    preparation.append(prepare(vector / norm), d[::-1])
    return encode_prepared(preparation, norm * scale)


def encode_prepared(
    preparation: QuantumCircuit, norm: float, order: Order = "xz", error: float = 0.0
) -> BlockEncoding:
    """Put the Bell and the beta step behind a circuit that prepares the entries of M.

    `preparation` holds the register d of 2n qubits; with its other qubits projected on |0> it
    must leave the amplitudes z_order(M, "column") / norm on d (with `order` "zx": "row"). The
    crossed pairs of order and flattening encode the transpose. The block is
    M / (2^(n/2) norm).
    """
    d = next(register for register in preparation.qregs if register.name == "d")
    n = len(d) // 2
    s = state(n)
    others = [register for register in preparation.qregs if register.name != "d"]
    circuit = QuantumCircuit(d, *others, s, name="block_encoding")
    circuit.compose(preparation, preparation.qubits, inplace=True)
    circuit.compose(bell_step(n), d, inplace=True)
    circuit.compose(beta_step(n, order), [*d, *s], inplace=True)
    circuit.h(d)
    return BlockEncoding(circuit, float(norm * 2 ** (n / 2)), tuple(s), tuple(s), error)


def bell_step(n: int) -> QuantumCircuit:
    """Return the change of each pair (d(2k), d(2k+1)) to the Bell basis."""
    d = data(2 * n)
    circuit = QuantumCircuit(d, name="bell_step")
    for k in range(n):
        circuit.cx(d[2 * k + 1], d[2 * k])
        circuit.h(d[2 * k + 1])
    return circuit


def beta_step(n: int, order: Order = "xz") -> QuantumCircuit:
    """Return X on s(k) controlled by d(2k) and Z on s(k) by d(2k+1), X first or Z first."""
    d, s = data(2 * n), state(n)
    circuit = QuantumCircuit(d, s, name="beta_step")
    for gate in order:
        for k in range(n):
            if gate == "x":
                circuit.cx(d[2 * k], s[k])
            else:
                circuit.cz(d[2 * k + 1], s[k])
    return circuit
