"""The small linear systems of factor models, one per user or item, solved side by side."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qrec.types import Array


def grams(observed: csr_array, factors: Array) -> Array:
    """Return sum of w_ui q_i q_i^T over each row's items, `(n_rows, k, k)`.

    `observed` `(n_rows, n_items)` holds the weights w, ones as a rule; `factors` is
    `(n_items, k)`. One sparse product does all rows, on the lower triangle alone.
    """
    k = factors.shape[1]
    row, column = np.tril_indices(k)
    packed = observed @ (factors[:, row] * factors[:, column])
    full = np.empty((observed.shape[0], k, k))
    full[:, row, column] = packed
    full[:, column, row] = packed
    return full


def solve_lower(lower: NDArray[Any], right: Array) -> Array:
    """Solve L x = b for lower triangles `(n, k, k)` and right-hand sides `(n, k)`."""
    x = np.empty_like(right)
    for j in range(right.shape[1]):
        known = np.einsum("nj,nj->n", lower[:, j, :j], x[:, :j])
        x[:, j] = (right[:, j] - known) / lower[:, j, j]
    return x


def solve_upper(lower: NDArray[Any], right: Array) -> Array:
    """Solve L^T x = b for lower triangles `(n, k, k)` and right-hand sides `(n, k)`."""
    x = np.empty_like(right)
    for j in reversed(range(right.shape[1])):
        known = np.einsum("nj,nj->n", lower[:, j + 1 :, j], x[:, j + 1 :])
        x[:, j] = (right[:, j] - known) / lower[:, j, j]
    return x
