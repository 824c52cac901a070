"""Non-negative matrix factorisation of the observed ratings only."""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from scipy.sparse import csr_array

from qrec.data.ratings import Ratings
from qrec.errors import DataError
from qrec.recommenders._batched import grams
from qrec.recommenders._factors import FactorRecommender
from qrec.recommenders.base import indicator, rating_matrix
from qrec.recommenders.spaces import Range
from qrec.types import Array


class MaskedNMF(FactorRecommender):
    """Predict r_ui = p_u . q_i with factors of no negative entry, fitted to the observed ratings.

    It minimises sum (r_ui - p_u . q_i)^2 + reg (sum C_u |p_u|^2 + sum C_i |q_i|^2) over
    p, q >= 0, the objective of `ALS`, by hierarchical alternating least squares (Cichocki and
    Phan, IEICE Trans. E92-A, 2009) with the missing entries masked (Kim and Choi, "Weighted
    nonnegative matrix factorization", ICASSP 2009): one factor at a time takes its exact
    minimum, so the objective never rises. scikit-learn's NMF takes missing entries for zeros.
    Raises DataError for ratings whose mean is below zero, which no such product can reach.
    """

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1), Range(low=2, high=32, log=True)] = 10,
        reg: Annotated[float, Ge(0), Range(low=0.01, high=1.0, log=True)] = 0.15,
        n_epochs: Annotated[int, Ge(1)] = 50,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.n_factors = n_factors
        self.reg = reg
        self.n_epochs = n_epochs
        self.random_state = random_state

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        by_user = rating_matrix(ratings, self._centre(ratings, "none"))
        by_item = by_user.T.tocsr()
        mean = ratings.value.mean()
        if mean < 0:
            raise DataError(f"MaskedNMF: found ratings of mean {mean:g}, expected 0 or more")
        # Drawn so that p . q starts near the mean rating.
        top = 2 * np.sqrt(mean / self.n_factors)
        rng = np.random.default_rng(self.random_state)
        self.user_factors_ = rng.uniform(0, top, (ratings.n_users, self.n_factors))
        self.item_factors_ = rng.uniform(0, top, (ratings.n_items, self.n_factors))
        for _ in range(self.n_epochs):
            descend(by_user, self.user_factors_, self.item_factors_, self.reg)
            descend(by_item, self.item_factors_, self.user_factors_, self.reg)

    def _fold_in(self, ratings: Ratings) -> None:
        by_user = rating_matrix(ratings, self._centre_new(ratings, "none"))
        # Any start below the minimum will do, since for one side alone it is the only one.
        self.user_factors_ = np.zeros((ratings.n_users, self.n_factors))
        for _ in range(self.n_epochs):
            descend(by_user, self.user_factors_, self.item_factors_, self.reg)


def descend(values: csr_array, own: Array, other: Array, reg: float) -> None:
    """Take each factor of `own` `(n_rows, k)` in turn to its minimum at or above zero, in place."""
    gram = grams(indicator(values), other)
    gram += (reg * np.diff(values.indptr))[:, None, None] * np.eye(own.shape[1])
    target = values @ other
    for j in range(own.shape[1]):
        slope = np.einsum("nj,nj->n", gram[:, j], own) - target[:, j]
        curvature = gram[:, j, j]
        step = np.divide(slope, curvature, out=np.zeros_like(slope), where=curvature > 0)
        own[:, j] = np.maximum(own[:, j] - step, 0.0)
