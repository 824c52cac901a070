"""Truncated singular value decomposition of the rating matrix, missing entries as zeros."""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from scipy.sparse.linalg import svds

from qrec.data.ratings import Ratings
from qrec.recommenders._factors import Centre, FactorRecommender
from qrec.recommenders.base import rating_matrix
from qrec.recommenders.parameters import check_at_most
from qrec.recommenders.spaces import Choices, Range
from qrec.types import Array


class TruncatedSVDRecommender(FactorRecommender):
    """Predict r_ui = offset + p_u . q_i by the best rank-`n_factors` matrix for the filled ratings.

    The matrix holds the ratings minus the offset that `centre` names, and zeros where there is
    no rating; its truncated decomposition U S V^T (Eckart and Young, Psychometrika 1, 1936)
    gives p = U sqrt(S) and q = V sqrt(S).

    With ``centre="none"`` a missing rating is a rating of zero, as in the report "Integrating
    Quantum SVD & LSTM for Improved Recommender Accuracy", and predictions come out far too low.
    With "bias" (Sarwar et al., "Application of dimensionality reduction in recommender system",
    WebKDD 2000, who fill with means) a missing rating is what `UserItemBias` expects.

    A new user's row x of the matrix is projected on the right singular vectors, p = V^T x /
    sqrt(S), which is what a row of the fit has.
    """

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1), Range(low=2, high=32, log=True)] = 8,
        centre: Annotated[Centre, Choices(("none", "mean", "bias"))] = "bias",
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.n_factors = n_factors
        self.centre = centre
        self.random_state = random_state

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        matrix = rating_matrix(ratings, self._centre(ratings, self.centre))
        smaller = min(matrix.shape)
        check_at_most(self, "n_factors", smaller - 1, f"below the matrix's smaller side {smaller}")
        if not (matrix.data**2).any():  # nothing is left of the ratings, and ARPACK cannot start
            self.user_factors_ = np.zeros((ratings.n_users, self.n_factors))
            self.item_factors_ = np.zeros((ratings.n_items, self.n_factors))
            return
        start = np.random.default_rng(self.random_state).normal(size=smaller)
        left, singular, right = svds(matrix, k=self.n_factors, v0=start)
        order = np.argsort(-singular)
        root = np.sqrt(singular[order])
        self.user_factors_ = left[:, order] * root
        self.item_factors_ = right[order].T * root

    def _fold_in(self, ratings: Ratings) -> None:
        rows = rating_matrix(ratings, self._centre_new(ratings, self.centre))
        singular = (self.item_factors_**2).sum(axis=0)  # the columns are V sqrt(S)
        factors: Array = rows @ self.item_factors_ / np.where(singular > 0, singular, 1.0)
        self.user_factors_ = factors
