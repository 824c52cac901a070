"""The uniformly controlled RY rotation."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterExpression, Qubit

from qrec.linalg import walsh_hadamard
from qrec.types import Array

Angles: TypeAlias = Sequence[ParameterExpression] | Array


def multiplexed_ry(
    circuit: QuantumCircuit,
    angles: Angles,
    controls: Sequence[int] | Sequence[Qubit],
    target: int | Qubit,
    threshold: float | None = None,
) -> None:
    """Append RY(angles[j]) on `target` for each state j of `controls`, lowest bit first.

    2^len(controls) rotations and as many CX in Gray-code order (Möttönen et al.,
    arXiv:quant-ph/0407010, Fig. 2). A `threshold` in radians leaves out the rotations by no
    more than it, which numbers can be compared with; of the CX that meet between the remaining
    ones each control keeps at most one.
    """
    odd: set[int] = set()  # controls with a CX due before the next rotation
    for i, angle in enumerate(gray_rotations(np.array(angles))):
        if threshold is None or abs(angle) > threshold:
            _append_cx(circuit, odd, controls, target)
            odd = set()
            circuit.ry(angle, target)
        if len(controls):
            changed = (i + 1) & -(i + 1)  # the bit in which Gray codes i and i + 1 differ
            odd ^= {min(changed.bit_length(), len(controls)) - 1}
    _append_cx(circuit, odd, controls, target)


def gray_code(size: int) -> NDArray[np.intp]:
    """Return the Gray codes (size,) of 0, 1, ...: neighbours differ in one bit."""
    index = np.arange(size)
    return index ^ (index >> 1)


def gray_rotations(angles: NDArray[Any]) -> NDArray[Any]:
    """Return 2^-m sum_j (-1)^(gray(i) . j) angles[j] for every i, from angles (2^m,)."""
    return walsh_hadamard(angles)[gray_code(len(angles))] / len(angles)


def _append_cx(
    circuit: QuantumCircuit,
    odd: set[int],
    controls: Sequence[int] | Sequence[Qubit],
    target: int | Qubit,
) -> None:
    for place in sorted(odd, reverse=True):
        circuit.cx(controls[place], target)
