"""Outcome probabilities of a circuit without parameters, its state's Pauli coefficients forward.

`probabilities` pulls every parity of the measured qubits back through the circuit, which serves
many rows of parameters at once. Where each circuit comes once, one state forward gives them all:
4^n coefficients instead of 2^n observables, for few qubits a hundredth of the time.
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.pauli import Real, rotation_parts
from qrec.backends.exact.read.program import Operation, Rotation
from qrec.backends.exact.read.question import Question
from qrec.errors import ConfigError
from qrec.linalg import walsh_hadamard

_MOST_QUBITS = 10  # 4^10 coefficients
_ZERO = np.array([1.0, 0.0, 0.0, 1.0])  # |0><0| as I, X, Y, Z


def bound_probabilities(question: Question, measured: Sequence[int]) -> Real:
    """Return the probabilities `(2^n_measured,)`; bit j of an outcome is ``measured[j]``.

    They are what `probabilities` gives for a circuit without parameters, gate noise and read-out
    errors included where the question has noise. Raises ConfigError for a circuit with
    parameters and for more qubits in use than can be held.
    """
    program = question.program
    if program.n_parameters:
        raise ConfigError(
            f"circuit {question.circuit.name!r} has {program.n_parameters} parameters; expected "
            "a circuit whose parameters are bound"
        )
    used = sorted({q for op in program.operations for q in op.qubits} | set(measured))
    if len(used) > _MOST_QUBITS:
        raise ConfigError(
            f"circuit {question.circuit.name!r} uses {len(used)} qubits; expected at most "
            f"{_MOST_QUBITS}"
        )
    # The axis of the lowest qubit is the last, as in a code's digits.
    axis = {qubit: len(used) - 1 - place for place, qubit in enumerate(used)}
    state = reduce(np.multiply.outer, [_ZERO] * len(used))
    for operation in program.operations:
        state = _apply(_matrix(operation), state, [axis[q] for q in operation.qubits])
    if question.noise is not None:
        state = _read_out(state, question.noise, {qubit: axis[qubit] for qubit in measured})
    parities = _parities(state, [axis[qubit] for qubit in measured])
    out: Real = walsh_hadamard(parities) / len(parities)
    return out.clip(0.0, 1.0)


def _matrix(operation: Operation) -> Real:
    if isinstance(operation, Rotation):
        still, cos, sin = rotation_parts(operation.name)
        turned: Real = still + np.cos(operation.constant) * cos + np.sin(operation.constant) * sin
        return turned
    return operation.transfer()


def _apply(matrix: Real, state: Real, axes: Sequence[int]) -> Real:
    """Return the state after a transfer matrix on some axes, the lowest qubit's first."""
    k = len(axes)
    high_first = list(reversed(axes))
    tensor = matrix.reshape((4,) * (2 * k))
    out = np.tensordot(tensor, state, axes=(range(k, 2 * k), high_first))
    return np.moveaxis(out, range(k), high_first)


def _read_out(state: Real, noise: DeviceNoise, axes: dict[int, int]) -> Real:
    for qubit, axis in axes.items():
        state = _apply(noise.readout(qubit), state, [axis])
    return state


def _parities(state: Real, measured: Sequence[int]) -> Real:
    """Return <Z> of every subset of the measured axes, bit j of its number being the j-th."""
    order = [*(axis for axis in range(state.ndim) if axis not in measured), *reversed(measured)]
    traced = np.transpose(state, order)[(0,) * (state.ndim - len(measured))]
    out: Real = traced[(slice(None, None, 3),) * len(measured)].reshape(-1)
    return out
