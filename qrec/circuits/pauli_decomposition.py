"""The known method: the matrix as a sum of Pauli strings, M = sum_P c_P P.

Wang, Song, Wang, "Variational quantum singular value decomposition", Quantum 5, 483 (2021),
estimate each <j|U^dag P V|i> by a Hadamard test. As a block encoding it is a linear
combination of unitaries, Childs and Wiebe, Quantum Information and Computation 12, 901 (2012).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, SparsePauliOp

from qrec.circuits.block_encoding import beta_step
from qrec.circuits.layered_ansatz import layered_ansatz
from qrec.circuits.parts.encoding import BlockEncoding
from qrec.circuits.parts.hadamard import Part, append_controlled, controlled_flip, open_control
from qrec.circuits.parts.matrix import EXAMPLE, as_square, n_qubits, scaled
from qrec.circuits.parts.preparation import prepare
from qrec.circuits.parts.registers import control, data, flip, state
from qrec.errors import ConfigError

_XZ_BITS = {"I": "00", "X": "10", "Y": "11", "Z": "01"}


def pauli_decomposition(matrix: ArrayLike = EXAMPLE) -> QuantumCircuit:
    """Return the circuit of `encode` on 3n qubits: d (2n), s (n)."""
    return encode(matrix).circuit


def coefficients(matrix: ArrayLike) -> dict[str, complex]:
    """Return c_P by Pauli string, its first letter acting on s(0); zeros are left out.

    The Hadamard tests of all strings, weighted by these, add up to the matrix element; their
    shots must cover ``sum |c_P|``. Raises ConfigError as `as_square` does.
    """
    array, scale = scaled(as_square(matrix))
    terms = SparsePauliOp.from_operator(Operator(array), atol=0.0, rtol=0.0)
    return {label: complex(c) * scale for label, c in terms.to_list() if c != 0}


def hadamard_test(
    pauli: str = "XZ", n_layers: int = 2, i: int = 0, j: int | None = None, part: Part = "real"
) -> QuantumCircuit:
    """Return the circuit on s (n) and c with <Z> of c = Re or Im of <j|U^dag P V|i>.

    P is the Pauli string `pauli` of n letters, the first acting on s(0); j is i where it is not
    given. The angles are `theta_u` and `theta_v`, each as in `layered_ansatz`. As published,
    every gate is controlled. Raises ConfigError when i or j is not below 2^n, and for an
    unknown part.
    """
    s, c = state(len(pauli)), control()
    circuit = QuantumCircuit(s, c, name="pauli_hadamard_test")
    open_control(circuit, part)
    flip(circuit, s, i)
    paulis = QuantumCircuit(s)
    for letter, qubit in zip(pauli, s, strict=True):
        if letter != "I":
            getattr(paulis, letter.lower())(qubit)
    v = layered_ansatz(len(s), n_layers, "theta_v")
    u_dagger = layered_ansatz(len(s), n_layers, "theta_u").inverse()
    for piece in (v, paulis, u_dagger):
        append_controlled(circuit, piece, piece.count_ops())
    controlled_flip(circuit, len(s), i, i if j is None else j)
    circuit.h(c)
    return circuit


def encode(matrix: ArrayLike) -> BlockEncoding:
    """Encode a real or complex 2^n x 2^n matrix M as M / sum |c_P|.

    d holds the Pauli strings, on each pair the X and the Z of one letter, so that the beta
    step selects the string. Raises ConfigError as `as_square` does, and for M = 0.
    """
    array, scale = scaled(as_square(matrix))
    right = _amplitudes(array)
    total = float(np.abs(right).sum())
    if total == 0.0:
        raise ConfigError("matrix of zeros: it has no Pauli string to select")
    m = n_qubits(right)
    d, s = data(m), state(m // 2)
    circuit = QuantumCircuit(d, s, name="pauli_decomposition")
    left = np.sqrt(np.abs(right) / total)
    # Amplitudes stand by Qiskit's basis index: d[0] is the highest bit.
    circuit.append(prepare(left * np.exp(1j * np.angle(right))), d[::-1])
    circuit.compose(beta_step(len(s)), [*d, *s], inplace=True)
    circuit.append(prepare(left).inverse(), d[::-1])
    return BlockEncoding(circuit, total * scale, tuple(s), tuple(s))


def _amplitudes(matrix: NDArray[Any]) -> NDArray[np.complex128]:
    """Return the coefficients (4^n,) of Z^b X^a with the bits a0 b0 a1 b1 ... as index."""
    terms = coefficients(matrix)
    n = n_qubits(matrix)
    amplitudes = np.zeros(4**n, dtype=np.complex128)
    for label, c in terms.items():
        index = int("".join(_XZ_BITS[letter] for letter in label), 2)
        amplitudes[index] = c * (-1j) ** label.count("Y")  # Y = -i Z X
    return amplitudes
