"""User and item biases."""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from scipy.sparse import block_array, diags_array
from scipy.sparse.linalg import cg

from qrec.data.ratings import Ratings
from qrec.recommenders.base import Recommender, rating_matrix
from qrec.recommenders.spaces import Range
from qrec.types import Array, Codes


class UserItemBias(Recommender):
    """Predict r_ui = mean + b_u + c_i, with all biases fitted jointly.

    They minimise sum (r_ui - mean - b_u - c_i)^2 + reg (|b|^2 + |c|^2): the baseline of Koren,
    "Factor in the neighbors" (ACM TKDD 4, 2010), section 2.1, solved exactly.

    `reg` is in ratings: a bias seen n times is shrunk by n / (n + reg). That of a new user is
    shrunk to the mean of those of the fit, `typical_user_bias_`: heavy raters, by whom `mean_` is
    taken, rate otherwise than most, which costs more than anything else while little is known.
    """

    mean_: float
    user_bias_: Array
    item_bias_: Array
    typical_user_bias_: float

    def __init__(
        self, reg: Annotated[float, Ge(0), Range(low=0.3, high=30.0, log=True)] = 3.0
    ) -> None:
        self.reg = reg

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self.mean_ = float(ratings.value.mean())
        observed = rating_matrix(ratings, np.ones(len(ratings)))
        residual = rating_matrix(ratings, ratings.value - self.mean_)
        count = np.concatenate([observed.sum(axis=1), observed.sum(axis=0)])
        total = np.concatenate([residual.sum(axis=1), residual.sum(axis=0)])
        # The normal equations: a user's row holds its own count and a one per item rated.
        links = block_array([[None, observed], [observed.T, None]])
        # Without reg, an unrated user or item would leave a row of zeros.
        diagonal = np.where(count > 0, count + self.reg, 1.0)
        biases, _ = cg(
            (links + diags_array(diagonal)).tocsr(),
            total,
            rtol=1e-10,
            maxiter=10_000,
            M=diags_array(1 / diagonal),
        )
        self.user_bias_, self.item_bias_ = np.split(biases, [ratings.n_users])
        self.typical_user_bias_ = float(self.user_bias_[self.known_users_].mean())

    def _fold_in(self, ratings: Ratings) -> None:
        left = ratings.value - self.mean_ - self.item_bias_[ratings.item]
        self.user_bias_ = shrunk_means(ratings, left, self.reg, self.typical_user_bias_)

    def offset(self, users: Codes, items: Codes) -> Array:
        """Return mean + b_u + c_i for pairs of codes, `(n,)`, not clipped."""
        return self.mean_ + self.user_bias_[users] + self.item_bias_[items]

    def residual(self, ratings: Ratings) -> Array:
        """Return what the biases leave of ratings, `(n,)`."""
        return ratings.value - self.offset(ratings.user, ratings.item)

    def _predict(self, users: Codes, items: Codes) -> Array:
        return self.offset(users, items)


def shrunk_means(ratings: Ratings, left: Array, reg: float, prior: float) -> Array:
    """Return b_u = (sum `left` + reg prior) / (C_u + reg) over each user's C_u ratings.

    With `left` `(n,)` what mean and item biases leave and prior 0, it is the b_u that minimises
    the objective of `UserItemBias` with these held. Users without a rating get `prior`.
    """
    count = np.bincount(ratings.user, minlength=ratings.n_users)
    total = np.bincount(ratings.user, weights=left - prior, minlength=ratings.n_users)
    biases: Array = prior + total / np.where(count > 0, count + reg, 1.0)
    return biases
