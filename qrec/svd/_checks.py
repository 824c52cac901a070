"""What the variational SVD accepts, and what it says otherwise."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qrec.errors import ConfigError
from qrec.linalg import check_unmasked
from qrec.types import Array


def as_matrix(matrix: ArrayLike) -> NDArray[Any]:
    """Return a matrix as float64 or complex128, or raise ConfigError with the reason."""
    check_unmasked("matrix", matrix)
    try:
        array = np.asarray(matrix)
    except ValueError as error:
        raise ConfigError(f"matrix: expected rows of equal length: {error}") from None
    if array.dtype.kind not in "biufc":
        raise ConfigError(
            f"matrix of {type(matrix).__name__} with entries of type {array.dtype}: "
            "expected a dense array of numbers"
        )
    if array.ndim != 2 or array.size == 0:
        raise ConfigError(
            f"matrix of shape {array.shape}: expected two dimensions, neither of them empty"
        )
    array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        row, column = map(int, bad[0])
        raise ConfigError(
            f"matrix entry ({row}, {column}) is {array[row, column]}: expected finite numbers"
        )
    return array


def check_integer(name: str, value: Any, lowest: int, highest: int | None = None) -> int:
    """Return an integer within bounds, or raise ConfigError."""
    expected = f"at least {lowest}" if highest is None else f"from {lowest} to {highest}"
    integral = isinstance(value, Integral) and not isinstance(value, bool)
    if not integral or value < lowest or (highest is not None and value > highest):
        raise ConfigError(f"{name} is {value!r}; expected an integer {expected}")
    return int(value)


def check_one_of(name: str, value: Any, choices: Sequence[Any]) -> None:
    """Raise ConfigError when `value` is not one of `choices`."""
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}; expected one of {', '.join(map(str, choices))}")


def check_weights(weights: ArrayLike, rank: int, objective: str) -> Array:
    """Return the weights of the original objective as an array `(rank,)`."""
    if objective != "original":
        raise ConfigError(f"weights belong to the objective 'original', not to {objective!r}")
    array = np.asarray(weights)
    numbers = array.dtype.kind in "iuf" and array.shape == (rank,)
    if not numbers or not (np.isfinite(array).all() and (array > 0).all()):
        raise ConfigError(f"weights are {weights!r}; expected {rank} positive numbers")
    return array.astype(np.float64)
