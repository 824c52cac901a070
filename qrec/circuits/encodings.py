"""Numbers into rotation angles, each encoding with its inverse.

Amplitudes: a real vector as the angles of a binary tree of RY rotations (Möttönen et al.,
arXiv:quant-ph/0407010, for real amplitudes). Features: a number as one RY angle.
"""

import numpy as np

from qrec.types import Array


def register_size(n_amplitudes: int) -> int:
    """Return ceil(log2 n), the qubits whose amplitudes hold a vector of length n >= 2."""
    return max(1, (n_amplitudes - 1).bit_length())


def vectors_to_angles(vectors: Array) -> Array:
    """Return the tree angles `(n, 2^m - 1)` that prepare the directions of `vectors` `(n, k)`.

    m = ceil(log2 k); missing amplitudes are zero. Angles stand level by level from the root,
    which splits on the highest qubit; those of the last level lie in (-2 pi, 2 pi] and carry
    the signs. The zero vector, which has no direction, becomes |0...0>.
    """
    n, k = vectors.shape
    padded = np.zeros((n, 2 ** register_size(k)))
    padded[:, :k] = vectors
    levels = [2 * np.arctan2(padded[:, 1::2], padded[:, 0::2])]
    norms = np.hypot(padded[:, 0::2], padded[:, 1::2])
    while norms.shape[1] > 1:
        levels.append(2 * np.arctan2(norms[:, 1::2], norms[:, 0::2]))
        norms = np.hypot(norms[:, 0::2], norms[:, 1::2])
    return np.concatenate(levels[::-1], axis=1)


def angles_to_vectors(angles: Array) -> Array:
    """Return the unit vectors `(n, 2^m)` that tree angles `(n, 2^m - 1)` prepare."""
    amplitudes = np.ones((len(angles), 1))
    start = 0
    while start < angles.shape[1]:
        half = angles[:, start : start + amplitudes.shape[1]] / 2
        split = np.stack([np.cos(half), np.sin(half)], axis=-1) * amplitudes[..., None]
        start += amplitudes.shape[1]
        amplitudes = split.reshape(len(angles), -1)
    return amplitudes


def features_to_angles(features: Array) -> Array:
    """Return the angles pi x of the report's RY(pi x), in radians."""
    return np.pi * features


def angles_to_features(angles: Array) -> Array:
    """Return the features that `features_to_angles` turned into `angles`."""
    return angles / np.pi
