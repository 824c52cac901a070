"""Quantum singular value estimation, and the projection of the quantum recommendation system.

Kerenidis, Prakash, "Quantum recommendation systems" (ITCS 2017), arXiv:1603.08675: the phases of
a walk, whose two reflections are those of the isometries, are estimated, those of large singular
values marked, and the estimation is undone, without which they would not interfere.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Qubit
from qiskit.synthesis.qft import synth_qft_full

from qrec.circuits import kp_encoding
from qrec.circuits.parts.encoding import BlockEncoding
from qrec.circuits.parts.matrix import EXAMPLE
from qrec.circuits.parts.multiplexer import multiplexed_ry
from qrec.circuits.qsvt import append_row, others
from qrec.errors import ConfigError
from qrec.types import Array


def qsve(
    matrix: ArrayLike = EXAMPLE,
    n_phase_qubits: int = 3,
    threshold: float = 1.0,
    encode: Callable[[ArrayLike], BlockEncoding] = kp_encoding.encode,
) -> QuantumCircuit:
    """Return the circuit that projects a row onto the singular vectors of large singular values.

    Singular values of `matrix` from `threshold` on are kept, in units of the matrix; for the
    rest see `projected`. Raises ConfigError as that and `encode` do.
    """
    encoding = encode(matrix)
    return projected(encoding, n_phase_qubits, threshold / encoding.subnormalisation)


def projected(encoding: BlockEncoding, n_phase_qubits: int, threshold: float) -> QuantumCircuit:
    """Return the circuit: estimate singular values, turn `flag` where one is kept, undo.

    The tree angles `u` of a vector x over `inputs`, see `amplitude_embedding`, are its
    parameters. Where `flag` is 1 and every other qubit 0, `inputs` hold
    ``sum_l f(sigma_l) <v_l|x> v_l / |x|``; f(sigma) is the probability that the phase of sigma,
    with T = 2^n_phase_qubits, is estimated as one of the k with |cos(pi k / T)| >= `threshold`,
    in units of the subnormalisation. 4 (T - 1) calls of the encoding or its inverse. Raises
    ConfigError for no phase qubit.
    """
    estimation = walk_estimation(encoding, n_phase_qubits)
    flag = QuantumRegister(1, "flag")
    circuit = QuantumCircuit(*estimation.qregs, flag, name="qsve")
    append_row(circuit, encoding)
    circuit.compose(estimation, range(estimation.num_qubits), inplace=True)
    kept = marked(n_phase_qubits, threshold)
    phase = estimation.qregs[-1]
    multiplexed_ry(circuit, np.where(kept, np.pi, 0.0), list(phase), flag[0])
    circuit.compose(estimation.inverse(), range(estimation.num_qubits), inplace=True)
    return circuit


def marked(n_phase_qubits: int, threshold: float) -> NDArray[np.bool_]:
    """Return which values k of the phase register `(2^n,)` say that a singular value is kept."""
    k = np.arange(2**n_phase_qubits)
    return np.asarray(np.abs(np.cos(np.pi * k / len(k))) >= threshold)


def kept_share(values: Array, n_phase_qubits: int, threshold: float) -> Array:
    """Return f of `projected` for singular values in units of the subnormalisation, in their shape.

    The estimate k has the probability (sin(pi T d) / (T sin(pi d)))^2, d = theta / 2 pi - k / T.
    """
    theta = 2 * np.arccos(np.clip(values, 0.0, 1.0))
    size, k = 2**n_phase_qubits, np.flatnonzero(marked(n_phase_qubits, threshold))
    away = theta[..., None] / (2 * np.pi) - k / size
    # sin(pi T d) / (T sin(pi d)) is the Dirichlet kernel, in which 0 / 0 does not occur.
    phases = np.exp(2j * np.pi * away[..., None] * np.arange(size))
    return np.asarray((np.abs(phases.mean(axis=-1)) ** 2).sum(axis=-1))


def walk_estimation(encoding: BlockEncoding, n_phase_qubits: int) -> QuantumCircuit:
    """Return the estimation of the walk's phases, into a last register `phase`.

    The walk is U^dag S_out U S_in, each S a reflection about the 0 of all qubits but `outputs`
    or `inputs`. On ``|0>|v_l>`` it has the phases +-2 arccos(sigma_l / subnormalisation). Their
    controlled form controls the reflections alone, as U^dag and U cancel by themselves.
    """
    if n_phase_qubits < 1:
        raise ConfigError(f"{n_phase_qubits} phase qubits: expected 1 or more")
    phase = QuantumRegister(n_phase_qubits, "phase")
    circuit = QuantumCircuit(*encoding.circuit.qregs, phase, name="walk_estimation")
    own, inverse = range(encoding.circuit.num_qubits), encoding.circuit.inverse()
    circuit.h(phase)
    for power, control in enumerate(phase):
        for _ in range(2**power):
            _append_reflection(circuit, others(encoding, encoding.inputs), control)
            circuit.compose(encoding.circuit, own, inplace=True)
            _append_reflection(circuit, others(encoding, encoding.outputs), control)
            circuit.compose(inverse, own, inplace=True)
    circuit.compose(synth_qft_full(n_phase_qubits, inverse=True), phase, inplace=True)
    return circuit


def _append_reflection(circuit: QuantumCircuit, zeros: Sequence[Qubit], control: Qubit) -> None:
    """Append 1 - 2 |0><0| on `zeros`, controlled."""
    circuit.x(zeros)
    circuit.h(control)
    circuit.mcx(list(zeros), control)
    circuit.h(control)
    circuit.x(zeros)
