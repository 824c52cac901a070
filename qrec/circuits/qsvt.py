"""Singular values filtered by a polynomial: the quantum singular value transformation.

Gilyén, Su, Low, Wiebe, "Quantum singular value transformation and beyond: exponential
improvements for quantum matrix arithmetics" (STOC 2019), arXiv:1806.01838, Definition 15 and
Corollary 18: d calls of a block encoding and of its inverse in turns, a phase about the block's
projector after each. Here the polynomial is even, and its real part is taken by one qubit.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Qubit

from qrec.circuits import kp_encoding
from qrec.circuits.amplitude_embedding import amplitude_embedding
from qrec.circuits.parts.encoding import BlockEncoding
from qrec.circuits.parts.matrix import EXAMPLE
from qrec.circuits.parts.multiplexer import multiplexed_ry
from qrec.circuits.parts.phases import qsvt_phases
from qrec.circuits.parts.polynomial import threshold_polynomial
from qrec.types import Array


def qsvt(
    matrix: ArrayLike = EXAMPLE,
    degree: int = 4,
    threshold: float = 0.6,
    gap: float = 0.4,
    encode: Callable[[ArrayLike], BlockEncoding] = kp_encoding.encode,
) -> QuantumCircuit:
    """Return the circuit that projects a row onto the singular vectors of large singular values.

    Singular values of `matrix` up to ``threshold - gap / 2`` are dropped and those from
    ``threshold + gap / 2`` kept, in units of the matrix, by the polynomial of even `degree` that
    `threshold_polynomial` finds; for the rest see `transformed`. Raises ConfigError as that
    and `encode` do.
    """
    encoding = encode(matrix)
    alpha = encoding.subnormalisation
    return transformed(encoding, threshold_polynomial(degree, threshold / alpha, gap / alpha))


def transformed(encoding: BlockEncoding, coefficients: Array) -> QuantumCircuit:
    """Return the circuit that applies an even polynomial P to the singular values of a block.

    `coefficients` are those of T_0, T_2, ..., T_d, with |P| <= 1 on [-1, 1]. The tree angles `u`
    of a vector x over `inputs`, see `amplitude_embedding`, are its parameters; after it
    `inputs` hold ``sum_l P(sigma_l / alpha) <v_l|x> v_l / |x|`` where every other qubit is 0,
    alpha being the subnormalisation. One qubit more than the encoding, d calls of it, and
    2^c CX for each phase about c qubits. Raises ConfigError where no phases are found.
    """
    real = QuantumRegister(1, "real")
    circuit = QuantumCircuit(*encoding.circuit.qregs, real, name="qsvt")
    append_row(circuit, encoding)
    inverse = encoding.circuit.inverse()
    phases = qsvt_phases(coefficients)
    own = range(encoding.circuit.num_qubits)
    for before, after in zip(phases[-2::-2], phases[::-2], strict=True):
        circuit.compose(encoding.circuit, own, inplace=True)
        _append_phase(circuit, encoding, encoding.outputs, after)
        circuit.compose(inverse, own, inplace=True)
        _append_phase(circuit, encoding, encoding.inputs, before)
    return circuit


def append_row(circuit: QuantumCircuit, encoding: BlockEncoding) -> None:
    """Append the state of a vector over the encoding's `inputs`, its tree angles `u` free."""
    embedding = amplitude_embedding(2 ** len(encoding.inputs), "u")
    circuit.compose(embedding, encoding.inputs[::-1], inplace=True)


def others(encoding: BlockEncoding, qubits: Sequence[Qubit]) -> list[Qubit]:
    """Return the qubits of an encoding that are not among `qubits`."""
    return [qubit for qubit in encoding.circuit.qubits if qubit not in qubits]


def _append_phase(
    circuit: QuantumCircuit, encoding: BlockEncoding, qubits: Sequence[Qubit], phase: float
) -> None:
    """Append exp(i phase (2 Pi - 1) Y), Pi having every qubit of the block but `qubits` in 0.

    From 0 to 0 of the qubit of Y it is the mean over both signs of the phase. With Y the
    rotations are those of the encodings, and the qubit needs no H before and after.
    """
    zeros = others(encoding, qubits)
    angles = np.full(2 ** len(zeros), 2 * phase)
    angles[0] = -2 * phase
    multiplexed_ry(circuit, angles, zeros, circuit.qubits[-1])
