"""Matrix factorisation by alternating least squares."""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from scipy.sparse import csr_array

from qrec.data.ratings import Ratings
from qrec.recommenders._batched import grams, solve_lower, solve_upper
from qrec.recommenders._factors import Centre, FactorRecommender
from qrec.recommenders.base import indicator, rating_matrix
from qrec.recommenders.spaces import Choices, Range
from qrec.types import Array


class ALS(FactorRecommender):
    """Predict r_ui = offset + p_u . q_i by alternating ridge regressions.

    With y_ui the rating minus the offset that `centre` names, and C_u, C_i the numbers of
    ratings of user and item, it minimises sum (y_ui - p_u . q_i)^2 +
    reg (sum C_u |p_u|^2 + sum C_i |q_i|^2): the objective of Zhou et al., "Large-scale parallel
    collaborative filtering for the Netflix Prize" (AAIM 2008), equation 1, with their start:
    the items' mean in the first column, small random numbers in the others.

    `centre` is "none" (offset 0), "mean" or "bias" (that of `UserItemBias`).
    """

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1), Range(low=2, high=32, log=True)] = 12,
        reg: Annotated[float, Ge(0), Range(low=0.01, high=1.0, log=True)] = 0.15,
        n_epochs: Annotated[int, Ge(1)] = 30,
        centre: Annotated[Centre, Choices(("none", "mean", "bias"))] = "none",
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.n_factors = n_factors
        self.reg = reg
        self.n_epochs = n_epochs
        self.centre = centre
        self.random_state = random_state

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        by_user = rating_matrix(ratings, self._centre(ratings, self.centre))
        by_item = by_user.T.tocsr()
        self.item_factors_ = self._start(by_item)
        for _ in range(self.n_epochs):
            self.user_factors_ = ridge_rows(by_user, self.item_factors_, self.reg)
            self.item_factors_ = ridge_rows(by_item, self.user_factors_, self.reg)

    def _fold_in(self, ratings: Ratings) -> None:
        residual = self._centre_new(ratings, self.centre)
        by_user = rating_matrix(ratings, residual)
        self.user_factors_ = ridge_rows(by_user, self.item_factors_, self.reg)

    def _start(self, by_item: csr_array) -> Array:
        rng = np.random.default_rng(self.random_state)
        factors = rng.normal(scale=0.1, size=(by_item.shape[0], self.n_factors))
        factors[:, 0] = by_item.sum(axis=1) / np.maximum(np.diff(by_item.indptr), 1)
        return factors


def ridge_rows(values: csr_array, factors: Array, reg: float) -> Array:
    """Return for each row u the p_u that minimises sum (y_ui - p_u . q_i)^2 + reg C_u |p_u|^2.

    The systems (sum q_i q_i^T + reg C_u I) p_u = sum y_ui q_i are solved together, with one
    Cholesky factor per row. Rows without ratings get zeros.
    """
    count = np.diff(values.indptr)
    system = grams(indicator(values), factors)
    # A row with no ratings gets the identity, so that its answer is zero.
    # The tiny ridge keeps rows with fewer ratings than factors solvable at reg = 0.
    ridge = np.where(count > 0, max(reg, 1e-9) * count, 1.0)
    system += ridge[:, None, None] * np.eye(factors.shape[1])
    lower = np.linalg.cholesky(system)
    return solve_upper(lower, solve_lower(lower, values @ factors))
