"""The uniformly controlled RY rotation."""

from collections.abc import Sequence
from typing import TypeAlias

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterExpression

Angle: TypeAlias = ParameterExpression | float


def multiplexed_ry(
    circuit: QuantumCircuit, angles: Sequence[Angle], controls: Sequence[int], target: int
) -> None:
    """Append RY(angles[j]) on `target` for each state j of `controls`, lowest bit first.

    2^len(controls) rotations and as many CX in Gray-code order (Möttönen et al.,
    arXiv:quant-ph/0407010, Fig. 2).
    """
    for i, angle in enumerate(_gray_walsh(angles)):
        circuit.ry(angle, target)
        if controls:
            changed = (i + 1) & -(i + 1)  # the bit in which Gray codes i and i + 1 differ
            circuit.cx(controls[min(changed.bit_length(), len(controls)) - 1], target)


def _gray_walsh(angles: Sequence[Angle]) -> list[Angle]:
    """Return 2^-m sum_j (-1)^(gray(i) . j) angles[j] for every i."""
    rotated = []
    for i in range(len(angles)):
        gray = i ^ (i >> 1)
        total: Angle = 0.0
        for j, angle in enumerate(angles):
            total = total + (-1) ** (gray & j).bit_count() * angle
        rotated.append(total / len(angles))
    return rotated
