"""Values as uniformly controlled RY rotations: what QPIXL and FABLE are made of."""

from collections.abc import Sequence

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Qubit

from qrec.circuits.parts.multiplexer import gray_code, gray_rotations, multiplexed_ry
from qrec.linalg import walsh_hadamard
from qrec.types import Array


def value_scale(values: Array) -> float:
    """Return what values are divided by to lie in [-1, 1]: their maximum where it is above 1."""
    return max(1.0, float(np.abs(values).max()))


def rotation_angles(values: Array) -> Array:
    """Return the angles alpha (2^m,) in radians of the RY gates that encode `values` (2^m,).

    ``alpha_i = 2^-m sum_z (-1)^(gray(i).z) 2 arccos(values_z / scale)`` with `value_scale`.
    """
    return gray_rotations(_selected_angles(values))


def rotated_values(alpha: Array) -> Array:
    """Return cos(phi / 2) (2^m,), what rotations by the angles `alpha` (2^m,) encode."""
    spectrum = np.empty_like(alpha)
    spectrum[gray_code(len(alpha))] = alpha
    return np.cos(walsh_hadamard(spectrum) / 2)


def compression_error(values: Array, threshold: float | None) -> float:
    """Return the 2-norm of the change in `values` that leaving out small angles makes."""
    if threshold is None:
        return 0.0
    alpha = rotation_angles(values)
    alpha[np.abs(alpha) <= threshold] = 0.0
    return float(np.linalg.norm(value_scale(values) * rotated_values(alpha) - values))


def append_rotations(
    circuit: QuantumCircuit,
    values: Array,
    controls: Sequence[Qubit],
    target: Qubit,
    threshold: float | None = None,
) -> None:
    """Append ``|z>|0> -> |z>(v_z |0> + sqrt(1 - v_z^2) |1>)`` with v = values / scale.

    The first of `controls` is the highest bit of z. `threshold` is that of `multiplexed_ry`.
    """
    multiplexed_ry(circuit, _selected_angles(values), controls[::-1], target, threshold)


def _selected_angles(values: Array) -> Array:
    """Return the angle 2 arccos(values_z / scale) that each z selects."""
    return 2 * np.arccos(values / value_scale(values))
