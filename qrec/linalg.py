"""Linear algebra that several rooms need."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qrec.errors import ConfigError


def walsh_hadamard(vectors: NDArray[Any]) -> NDArray[Any]:
    """Return ``sum_j (-1)^(i . j) vectors[..., j]`` for every i, not normalised.

    i . j counts the bits that i and j share. The last axis of `vectors` is 2^m long; entries
    may be of any type that adds, such as parameter expressions.
    """
    lead, size = vectors.shape[:-1], vectors.shape[-1]
    out, half = vectors, size // 2
    while half:  # one bit of the index after the other, the highest first
        pairs = out.reshape(*lead, -1, 2, half)
        zero, one = pairs[..., 0, :], pairs[..., 1, :]
        out, half = np.stack([zero + one, zero - one], -2), half // 2
    return out.reshape(vectors.shape)


def check_unmasked(name: str, values: Any) -> None:
    """Raise ConfigError for an array with masked entries, under which any number may lie."""
    if np.ma.is_masked(values):
        n_masked = np.count_nonzero(values.mask)
        raise ConfigError(
            f"{name} has {n_masked} masked entries; expected none, which filled(0) would leave"
        )
