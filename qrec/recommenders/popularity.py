"""The most popular items, the same for everybody."""

import numpy as np

from qrec.data.ratings import Ratings
from qrec.recommenders.base import Recommender
from qrec.types import Array, Codes


class Popularity(Recommender):
    """Recommend to everybody the items with the most training ratings that they have not rated.

    The score of an item is its number of ratings, whatever their values: what a ranking with
    nothing learned of a user is worth, and hard to beat (Cremonesi, Koren and Turrin, RecSys
    2010). It only orders items, so `predict` gives ``nan``.
    """

    needs = ("item",)

    def rates(self) -> bool:
        return False

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self.n_ratings_ = np.bincount(ratings.item, minlength=ratings.n_items).astype(float)

    def _fold_in(self, ratings: Ratings) -> None:
        """The items' numbers of ratings stay those of the fit."""

    def _predict(self, users: Codes, items: Codes) -> Array:
        return self.n_ratings_[items]
