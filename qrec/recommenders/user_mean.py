"""The mean of each user's training ratings."""

import numpy as np

from qrec.data.ratings import Ratings
from qrec.recommenders.base import Recommender
from qrec.types import Array, Codes


class UserMean(Recommender):
    """Predict r_ui = the mean of user u's training ratings, for any item."""

    needs = ("user",)

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self._fold_in(ratings)

    def _fold_in(self, ratings: Ratings) -> None:
        total = np.bincount(ratings.user, weights=ratings.value, minlength=ratings.n_users)
        count = np.bincount(ratings.user, minlength=ratings.n_users)
        self.user_mean_ = total / np.maximum(count, 1)

    def _predict(self, users: Codes, items: Codes) -> Array:
        return self.user_mean_[users]
