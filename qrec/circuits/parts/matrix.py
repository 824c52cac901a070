"""The matrices that circuits are built from: what is accepted, and in which order it is read."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qrec.errors import ConfigError
from qrec.linalg import check_unmasked
from qrec.types import Array

# What the builders encode when no matrix is given: asymmetric, as a transpose must show.
EXAMPLE = (
    (0.9, -0.4, 0.1, 0.7),
    (0.2, 0.6, -0.8, 0.3),
    (-0.5, 1.0, 0.4, -0.1),
    (0.8, -0.2, 0.5, -0.6),
)


def as_square(matrix: ArrayLike) -> NDArray[Any]:
    """Return a 2^n x 2^n matrix as float64, or as complex128 where it is complex.

    Raises ConfigError for any other shape, for n = 0, and for entries that are not finite
    numbers.
    """
    array = _as_numbers(matrix)
    size = len(array) if array.ndim else 0
    if array.shape != (size, size) or size < 2 or size & (size - 1):
        raise ConfigError(f"matrix of shape {array.shape}: expected 2^n x 2^n with n at least 1")
    return array


def as_real_matrix(matrix: ArrayLike) -> Array:
    """Return a real 2^m x 2^n matrix as float64.

    Raises ConfigError for any other shape, for m = 0 or n = 0, and for complex or not finite
    entries.
    """
    array = _as_numbers(matrix)
    if array.ndim != 2 or any(side < 2 or side & (side - 1) for side in array.shape):
        raise ConfigError(
            f"matrix of shape {array.shape}: expected 2^m x 2^n with m and n at least 1"
        )
    if np.iscomplexobj(array):
        raise ConfigError("complex matrix: expected real entries, as ratings are")
    return array


def as_values(values: ArrayLike) -> Array:
    """Return 2^m real numbers as float64 of shape (2^m,).

    Raises ConfigError for any other length, for m = 0, and for complex or not finite numbers.
    """
    array = _as_numbers(values)
    if array.ndim != 1 or len(array) < 2 or len(array) & (len(array) - 1):
        raise ConfigError(f"values of shape {array.shape}: expected (2^m,) with m at least 1")
    if np.iscomplexobj(array):
        raise ConfigError(
            "complex values cannot be the cosine of an angle; encode a complex matrix with "
            "block_encoding.encode_state"
        )
    return array


def n_qubits(matrix: NDArray[Any]) -> int:
    """Return n of an array whose first side is 2^n long."""
    return len(matrix).bit_length() - 1


def z_order(matrix: ArrayLike, first: Literal["column", "row"] = "column") -> NDArray[Any]:
    """Flatten a 2^n x 2^n matrix along the Z-order curve, by interleaving index bits.

    Entry (r, c) moves to the index with the bits c0 r0 c1 r1 ... (`first` = "column") or
    r0 c0 r1 c1 ... ("row"), r0 and c0 being the most significant. Hence
    ``z_order(kron(A, B)) == kron(z_order(A), z_order(B))``, which a row-major order lacks.
    """
    array = as_square(matrix)
    n = n_qubits(array)
    axes = np.arange(2 * n).reshape(2, n)  # the bits of the row, then those of the column
    pairs = axes[::-1].T if first == "column" else axes.T
    return array.reshape((2,) * (2 * n)).transpose(pairs.ravel()).ravel()


def scaled(array: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """Return an array divided by a power of two, so that its largest entry is near 1, and that.

    It rounds nothing, and entries of 1e-200 or 1e200 have squares after it.
    """
    parts = np.abs([array.real, array.imag])
    exponent = int(np.clip(np.frexp(parts.max())[1], -1000, 1000))  # 2^1024 is none, nor 2^1074
    return array * 2.0**-exponent, 2.0**exponent


def _as_numbers(values: ArrayLike) -> NDArray[Any]:
    check_unmasked("array", values)
    try:
        array = np.asarray(values)
        array = array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"expected an array of numbers: {error}") from None
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        where = tuple(int(index) for index in bad[0])
        raise ConfigError(f"entry {where} is {array[where]}: expected finite numbers")
    return array
