"""Recommenders whose prediction is an offset and a dot product of two factor vectors."""

import numpy as np
from numpy.typing import NDArray

from qrec.recommenders.base import Recommender


class FactorRecommender(Recommender):
    """Base of the models r_ui = mean + b_u + c_i + p_u . q_i.

    `_fit` sets `mean_` (float), `user_bias_` (n_users,), `item_bias_` (n_items,),
    `user_factors_` (n_users, n_factors) and `item_factors_` (n_items, n_factors), all in
    rating units; a model without biases sets them to zero. The quantum overlap tests read
    these attributes and put a circuit in the place of the dot product.
    """

    mean_: float
    user_bias_: NDArray[np.float64]
    item_bias_: NDArray[np.float64]
    user_factors_: NDArray[np.float64]
    item_factors_: NDArray[np.float64]

    def offset(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return mean + b_u + c_i for pairs of codes, `(n,)`."""
        return self.mean_ + self.user_bias_[users] + self.item_bias_[items]

    def _predict(
        self, users: NDArray[np.int32], items: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        overlap = np.einsum("nk,nk->n", self.user_factors_[users], self.item_factors_[items])
        return self.offset(users, items) + overlap
