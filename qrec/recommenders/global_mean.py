"""The mean of all training ratings."""

import numpy as np

from qrec.data.ratings import Ratings
from qrec.recommenders.base import Recommender
from qrec.types import Array, Codes


class GlobalMean(Recommender):
    """Predict the mean of the training ratings for every pair, unseen users and items too.

    Its RMSE is the standard deviation of the ratings: what a model with nothing learned costs.
    """

    needs = ()

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self.mean_ = float(ratings.value.mean())

    def _fold_in(self, ratings: Ratings) -> None:
        """Nobody is known by more than the mean."""

    def _predict(self, users: Codes, items: Codes) -> Array:
        return np.full(len(users), self.mean_)
