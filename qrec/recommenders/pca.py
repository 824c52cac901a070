"""Principal components of what users rate the most rated items above or below expectation."""

from typing import Annotated

import numpy as np
from annotated_types import Ge

from qrec.data.ratings import Ratings
from qrec.recommenders._factors import FactorRecommender
from qrec.recommenders.base import rating_matrix
from qrec.recommenders.parameters import check_at_most
from qrec.recommenders.spaces import Range
from qrec.types import Array


class PCARecommender(FactorRecommender):
    """Predict r_ui = bias + m_i + p_u . q_i by the principal components of users' rows.

    A row `(n_items,)` holds what `UserItemBias` leaves of a user's ratings of the `n_items` most
    rated items (all where there are fewer), zeros where there is none; m is the mean row, the
    columns of q are the first `n_factors` principal components (Pearson, Phil. Mag. 2, 1901) and
    p_u = q^T (row - m). For the other items m and q are zero. `n_items` = 2^n is what an
    autoencoder on n qubits takes, to be laid beside.
    """

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1), Range(low=2, high=32, log=True)] = 8,
        n_items: Annotated[int, Ge(1)] = 256,
    ) -> None:
        self.n_factors = n_factors
        self.n_items = n_items

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        residual = self._centre(ratings, "bias")
        counts = np.bincount(ratings.item, minlength=ratings.n_items)
        self.items_ = np.argsort(-counts, kind="stable")[: self.n_items]
        rows = self._rows(ratings, residual)
        smaller = min(rows.shape)
        check_at_most(self, "n_factors", smaller, f"the smaller side of {rows.shape}")
        self.row_mean_ = rows.mean(axis=0)
        _, _, components = np.linalg.svd(rows - self.row_mean_, full_matrices=False)
        self.item_factors_ = np.zeros((ratings.n_items, self.n_factors))
        self.item_factors_[self.items_] = components[: self.n_factors].T
        self.item_bias_ = self.item_bias_.copy()
        self.item_bias_[self.items_] += self.row_mean_
        self.user_factors_ = self._project(rows)

    def _fold_in(self, ratings: Ratings) -> None:
        # The biases that rows are centred by are those without m.
        known = self.item_bias_
        self.item_bias_ = known.copy()
        self.item_bias_[self.items_] -= self.row_mean_
        rows = self._rows(ratings, self._centre_new(ratings, "bias"))
        self.item_bias_ = known
        self.user_factors_ = self._project(rows)

    def _rows(self, ratings: Ratings, residual: Array) -> Array:
        rows: Array = rating_matrix(ratings, residual)[:, self.items_].toarray()
        return rows

    def _project(self, rows: Array) -> Array:
        factors: Array = (rows - self.row_mean_) @ self.item_factors_[self.items_]
        return factors
