"""The Gaussian prior of a side's vectors, its mean a regression on what is known of each row.

z_n ~ N(m + B^T x_n, Lambda^-1), the "Macau" form of Simm et al., "Macau: scalable Bayesian
multi-relational factorization with side information using MCMC" (arXiv:1509.04610), on blocks of
features: B_b ~ MN(0, lambda_b^-1 I, Lambda^-1), lambda_b ~ Gamma(0.1, rate 0.1). Of B only X B is
of use, so what no row can tell, B's part in the null space of X, is integrated out: with
X = U S V^T, X B = U S C for C = V^T B, which has the same prior as B.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array, diags_array, issparse

from qrec.data.features import side_matrix
from qrec.data.ratings import Ratings
from qrec.errors import DataError
from qrec.recommenders.base import indicator, rating_matrix
from qrec.types import Array

Matrix: TypeAlias = Array | csr_array
_MOST_ENTRIES = 2**27  # of U, 1 GiB
_SHAPE, _RATE = 0.1, 0.1  # of the prior of lambda_b


class RegressionPrior:
    """The hierarchical prior of one side's vectors `(n, k)`, with its state between sweeps.

    `blocks` are matrices of features `(n, f)`, each with a penalty lambda_b of its own. Without
    any, this is the Gaussian-Wishart prior of `draw_prior`. Raises DataError for a block whose
    singular vectors would not fit into memory.
    """

    def __init__(self, blocks: Sequence[Matrix], n_columns: int) -> None:
        self._blocks = [_Block(matrix, n_columns) for matrix in blocks]

    def draw(self, rng: np.random.Generator, rows: Array) -> tuple[Array, Array]:
        """Draw m, Lambda, every B_b and lambda_b given the vectors `rows` `(n, k)`.

        Returns the prior mean of each row, m + B^T x_n `(n, k)`, and the precision Lambda `(k, k)`.
        """
        explained = np.zeros_like(rows)
        for block in self._blocks:
            explained += block.fitted
        scatter = sum(block.scatter for block in self._blocks)
        degrees = sum(len(block.coefficients) for block in self._blocks)
        mean, precision = draw_prior(rng, rows - explained, scatter, degrees)
        lower = np.linalg.cholesky(precision).astype(np.float64)
        for block in self._blocks:
            explained -= block.fitted
            block.draw(rng, rows - mean - explained, lower)
            explained += block.fitted
        return mean + explained, precision


class _Block:
    """One block of features: U `(n, r)` and S `(r,)`, and the drawn C `(r, k)` and lambda."""

    def __init__(self, matrix: Matrix, n_columns: int) -> None:
        self.left, self.strength = _left_singular(matrix)
        self.coefficients = np.zeros((len(self.strength), n_columns))
        self.penalty = 1.0
        self.fitted = np.zeros((matrix.shape[0], n_columns))  # X B

    @property
    def scatter(self) -> Array:
        """What the prior of C says of Lambda^-1, `(k, k)`."""
        product: Array = self.penalty * self.coefficients.T @ self.coefficients
        return product

    def draw(self, rng: np.random.Generator, target: Array, lower: Array) -> None:
        """Draw C, then lambda, given `target` = X B + noise of precision L L^T."""
        shrunk = (self.strength**2 + self.penalty)[:, None]
        # z L^-1 has covariance Lambda^-1.
        noise = np.linalg.solve(lower.T, rng.normal(size=self.coefficients.shape).T).T
        informed = self.strength[:, None] * (self.left.T @ target)
        self.coefficients = informed / shrunk + noise / np.sqrt(shrunk)
        size = ((self.coefficients @ lower) ** 2).sum()  # tr(C Lambda C^T)
        shape, rate = _SHAPE + self.coefficients.size / 2, _RATE + size / 2
        self.penalty = float(rng.gamma(shape, 1 / rate))
        self.fitted = self.left @ (self.strength[:, None] * self.coefficients)


def _left_singular(matrix: Matrix) -> tuple[Array, Array]:
    """Return U `(n, r)` and S `(r,)` of a matrix `(n, f)` of rank r, by its smaller Gram matrix."""
    n, f = matrix.shape
    if n * min(n, f) > _MOST_ENTRIES:
        raise DataError(
            f"regression prior: features of shape {n} x {f} need {n * min(n, f):.2g} numbers; "
            f"expected at most {_MOST_ENTRIES:.2g}: leave implicit out on data of this size"
        )
    gram: Any = matrix @ matrix.T if n <= f else matrix.T @ matrix
    squares, vectors = np.linalg.eigh(gram.toarray() if issparse(gram) else gram)
    kept = squares > 1e-10 * max(squares.max(initial=0.0), 1.0)
    strength = np.sqrt(squares[kept])
    vectors = vectors[:, kept]
    return vectors if n <= f else np.asarray(matrix @ vectors) / strength, strength


def feature_blocks(
    ratings: Ratings, *, implicit: bool, side_data: bool
) -> tuple[list[Matrix], list[Matrix]]:
    """Return the blocks of features of the users and of the items, `(n, f)` each.

    `implicit`: which items a user rated (which users an item), ones divided by the root of how
    many, so that every row has length 1; values are not looked at. `side_data`: the columns of
    `ratings.features`, where there are any, as `side_matrix` makes them.
    """
    users: list[Matrix] = []
    items: list[Matrix] = []
    if implicit:
        rated = indicator(rating_matrix(ratings))
        users.append(_unit_rows(rated))
        items.append(_unit_rows(rated.T.tocsr()))
    if side_data and ratings.features is not None:
        for blocks, columns in ((users, ratings.features.user), (items, ratings.features.item)):
            if columns:
                blocks.append(side_matrix(columns)[0])
    return users, items


def _unit_rows(rated: csr_array) -> csr_array:
    counts = np.maximum(rated.sum(axis=1), 1.0)
    return csr_array(diags_array(1 / np.sqrt(counts)) @ rated)


def draw_prior(
    rng: np.random.Generator, rows: Array, scatter: Array | float = 0.0, degrees: int = 0
) -> tuple[Array, Array]:
    """Draw the mean `(k,)` and precision `(k, k)` of the Gaussian that `rows` `(n, k)` came from.

    The Gaussian-Wishart posterior of Salakhutdinov and Mnih (ICML 2008), section 3.3, with
    mu_0 = 0, beta_0 = 2, W_0 = I, nu_0 = k. `scatter` `(k, k)` is the sum of z z^T of as many as
    `degrees` further vectors whose Gaussian has that precision and mean 0.
    """
    n, k = rows.shape
    beta_0, average = 2.0, rows.mean(axis=0)
    beta = beta_0 + n
    spread = (rows - average).T @ (rows - average)
    inverse_scale = np.eye(k) + spread + beta_0 * n / beta * np.outer(average, average) + scatter
    # Bartlett's decomposition of the Wishart distribution with that many degrees of freedom.
    bartlett = np.tril(rng.normal(size=(k, k)), -1)
    bartlett[np.diag_indices(k)] = np.sqrt(rng.chisquare(k + n + degrees - np.arange(k)))
    half = np.linalg.cholesky(np.linalg.inv(inverse_scale)) @ bartlett
    precision = half @ half.T
    # half^-T z has covariance precision^-1.
    mean = n * average / beta + np.linalg.solve(half.T, rng.normal(size=k)) / np.sqrt(beta)
    return mean, precision
