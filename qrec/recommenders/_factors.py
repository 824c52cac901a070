"""Recommenders whose prediction is an offset and a dot product of two factor vectors."""

from typing import Literal

import numpy as np

from qrec.data.ratings import Ratings
from qrec.recommenders.base import Recommender
from qrec.recommenders.bias import UserItemBias, shrunk_means
from qrec.types import Array, Codes

FACTORS_AT_ONCE = 2**22  # bounds the factors gathered at a time
Centre = Literal["none", "mean", "bias"]


class FactorRecommender(Recommender):
    """Base of the models r_ui = mean + b_u + c_i + p_u . q_i.

    `_fit` sets `mean_` (float), `user_bias_` (n_users,), `item_bias_` (n_items,),
    `user_factors_` (n_users, n_factors) and `item_factors_` (n_items, n_factors), all in
    rating units; a model without biases sets them to zero. The quantum overlap tests read
    these attributes and put a circuit in the place of the dot product.
    """

    mean_: float
    user_bias_: Array
    item_bias_: Array
    user_factors_: Array
    item_factors_: Array

    def offset(self, users: Codes, items: Codes) -> Array:
        """Return mean + b_u + c_i for pairs of codes, `(n,)`."""
        return self.mean_ + self.user_bias_[users] + self.item_bias_[items]

    def _predict(self, users: Codes, items: Codes) -> Array:
        out = self.offset(users, items)
        step = max(1, FACTORS_AT_ONCE // self.user_factors_.shape[1])
        for start in range(0, len(users), step):
            part = slice(start, start + step)
            p, q = self.user_factors_[users[part]], self.item_factors_[items[part]]
            out[part] += np.einsum("nk,nk->n", p, q)
        return out

    def _predict_all(self, users: Codes) -> Array:
        offset = self.mean_ + self.user_bias_[users, None] + self.item_bias_
        return offset + self.user_factors_[users] @ self.item_factors_.T

    def _centre(self, ratings: Ratings, centre: Centre) -> Array:
        """Set the offset that `centre` names and return what it leaves of the ratings, `(n,)`.

        "none" is zero, "mean" the training mean, "bias" that of a fitted `UserItemBias`.
        """
        self.mean_ = 0.0 if centre == "none" else float(ratings.value.mean())
        self.user_bias_, self.item_bias_ = np.zeros(ratings.n_users), np.zeros(ratings.n_items)
        if centre == "bias":
            biases = UserItemBias().fit(ratings)
            self.user_bias_, self.item_bias_ = biases.user_bias_, biases.item_bias_
            self.typical_user_bias_ = biases.typical_user_bias_
        return ratings.value - self.offset(ratings.user, ratings.item)

    def _centre_new(self, ratings: Ratings, centre: Centre) -> Array:
        """Set the biases of new users, items as fitted; return what the offset leaves, `(n,)`.

        They are those that `UserItemBias.fold_in` gives.
        """
        self.user_bias_ = np.zeros(ratings.n_users)
        if centre == "bias":
            left = ratings.value - self.offset(ratings.user, ratings.item)
            self.user_bias_ = shrunk_means(
                ratings, left, UserItemBias().reg, self.typical_user_bias_
            )
        return ratings.value - self.offset(ratings.user, ratings.item)
