"""Uniformly controlled RY rotations by Gray code: what QPIXL and FABLE are made of."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Qubit

from qrec.circuits.parts.matrix import n_qubits


def value_scale(values: NDArray[np.float64]) -> float:
    """Return what values are divided by to lie in [-1, 1]: their maximum where it is above 1."""
    return max(1.0, float(np.abs(values).max()))


def rotation_angles(
    values: NDArray[np.float64], threshold: float | None = None
) -> NDArray[np.float64]:
    """Return the angles alpha (2^m,) in radians of the RY gates that encode `values` (2^m,).

    ``alpha_i = 2^-m sum_z (-1)^(gray(i).z) 2 arccos(values_z / scale)`` with `value_scale`.
    Angles no larger than `threshold` are set to 0; none are where it is None.
    """
    phi = 2 * np.arccos(values / value_scale(values))
    alpha = _walsh_hadamard(phi)[_gray(len(phi))] / len(phi)
    if threshold is not None:
        alpha[np.abs(alpha) <= threshold] = 0.0
    return alpha


def rotated_values(alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return cos(phi / 2) (2^m,), what rotations by the angles `alpha` (2^m,) encode."""
    spectrum = np.empty_like(alpha)
    spectrum[_gray(len(alpha))] = alpha
    return np.cos(_walsh_hadamard(spectrum) / 2)


def compression_error(values: NDArray[np.float64], threshold: float | None) -> float:
    """Return the 2-norm of the change in `values` that leaving out small angles makes."""
    if threshold is None:
        return 0.0
    encoded = value_scale(values) * rotated_values(rotation_angles(values, threshold))
    return float(np.linalg.norm(encoded - values))


def append_rotations(
    circuit: QuantumCircuit,
    values: NDArray[np.float64],
    controls: Sequence[Qubit],
    target: Qubit,
    threshold: float | None = None,
) -> None:
    """Append ``|z>|0> -> |z>(v_z |0> + sqrt(1 - v_z^2) |1>)`` with v = values / scale.

    One RY and one CX for each of the 2^m values. With a threshold the small rotations are left
    out, and of the CX that meet between the remaining ones each control keeps at most one.
    """
    m = len(controls)
    pending: set[int] = set()
    for i, alpha in enumerate(rotation_angles(values, threshold)):
        if threshold is None or alpha != 0.0:
            _append_cx(circuit, pending, controls, target)
            pending = set()
            circuit.ry(alpha, target)
        trailing_zeros = ((i + 1) & -(i + 1)).bit_length() - 1
        pending ^= {max(m - 1 - trailing_zeros, 0)}
    _append_cx(circuit, pending, controls, target)


def _append_cx(
    circuit: QuantumCircuit, pending: set[int], controls: Sequence[Qubit], target: Qubit
) -> None:
    for k in sorted(pending):
        circuit.cx(controls[k], target)


def _gray(size: int) -> NDArray[np.intp]:
    index = np.arange(size)
    return index ^ (index >> 1)


def _walsh_hadamard(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sum_z (-1)^(k.z) vector_z for every k, in m steps over the (2,) * m array."""
    m = n_qubits(vector)
    array = vector.reshape((2,) * m)
    for axis in range(m):
        zero, one = np.take(array, 0, axis), np.take(array, 1, axis)
        array = np.stack([zero + one, zero - one], axis)
    return array.ravel()
