"""Rows of a sparse matrix, their singular values filtered by a polynomial."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from qrec.types import Array

_SMALL = 64  # the shorter side up to which all singular values are found at once
_ERROR_TENTH = 2.8  # degree times gap at which a threshold polynomial errs by a tenth
_ZERO = 1e-12  # of the largest singular value: what rounding makes of 0
_WIDEST = 0.9  # of the gap that would leave nothing below or above the threshold


def filtered_rows(matrix: csr_array, rows: Array, coefficients: Array) -> Array:
    """Return ``rows P(sqrt(A^T A))`` for P = sum_k c_k T_2k and A of largest singular value <= 1.

    `rows` is `(n, n_columns)`. As T_2k(x) = T_k(2 x^2 - 1), each coefficient takes two products
    with the sparse matrix and no singular vector.
    """
    before, now = rows.T, _doubled(matrix, rows.T)
    out = coefficients[0] * before + coefficients[1] * now
    for coefficient in coefficients[2:]:
        before, now = now, 2 * _doubled(matrix, now) - before
        out += coefficient * now
    return np.asarray(out.T)


def _doubled(matrix: csr_array, columns: Array) -> Array:
    """Return (2 A^T A - 1) columns."""
    return np.asarray(2 * (matrix.T @ (matrix @ columns)) - columns)


def leading_values(matrix: csr_array, n: int) -> Array:
    """Return the n largest singular values `(n,)`, descending, 0 where there are no more."""
    shorter = min(matrix.shape)
    if shorter <= max(_SMALL, n):
        values = np.linalg.svd(matrix.toarray(), compute_uv=False)
    else:
        start = np.random.default_rng(0).normal(size=shorter)
        values = svds(matrix, k=n, v0=start, return_singular_vectors=False)
    return np.asarray(np.append(np.sort(values)[::-1], np.zeros(n))[:n])


def soft_threshold(values: Array, degree: int) -> tuple[float, float]:
    """Return threshold and gap between the last two of descending singular values in [0, 1].

    Where the last ones are 0 they are between 0 and the least that is not. A gap that the
    degree cannot resolve is widened about the threshold to one that it can: Kerenidis and
    Prakash leave open what becomes of the values in between.
    """
    rank = max(1, int(np.count_nonzero(values[:-1] > _ZERO * values[0])))
    kept, dropped = float(values[rank - 1]), float(values[rank])
    threshold = (kept + dropped) / 2
    widest = 2 * _WIDEST * min(threshold, 1 - threshold)
    return threshold, min(max(kept - dropped, _ERROR_TENTH / degree), widest)
