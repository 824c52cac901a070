"""Models of Surprise (scikit-surprise) as recommenders of qrec: an outside check of its own.

`surprise.yaml` beside this file lays them beside qrec's; `pip install qrec[surprise]` brings the
library. What a model learned is kept as arrays, so that it is saved with a run.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge

from qrec.recommenders import Recommender


class SurpriseModel(Recommender):
    """Predict by Surprise's `algorithm` with its own `options`, over the same codes and scale."""

    def __init__(
        self,
        algorithm: Literal["BaselineOnly", "SVD", "SVDpp"] = "SVD",
        options: Mapping[str, Any] | None = None,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.algorithm = algorithm
        self.options = options
        self.random_state = random_state

    def _fit(self, ratings, validation) -> None:
        import surprise

        columns = {"user": ratings.user, "item": ratings.item, "rating": ratings.value}
        reader = surprise.Reader(rating_scale=ratings.scale)
        data = surprise.Dataset.load_from_df(pd.DataFrame(columns), reader).build_full_trainset()
        seed = {} if self.algorithm == "BaselineOnly" else {"random_state": self.random_state}
        model = getattr(surprise, self.algorithm)(**seed, **(self.options or {})).fit(data)
        # Surprise counts users and items in the order in which it meets them.
        users = np.array([data.to_raw_uid(inner) for inner in data.all_users()])
        items = np.array([data.to_raw_iid(inner) for inner in data.all_items()])
        self.mean_ = float(data.global_mean)
        self.user_bias_ = np.zeros(ratings.n_users)
        self.item_bias_ = np.zeros(ratings.n_items)
        self.user_bias_[users], self.item_bias_[items] = model.bu, model.bi
        n_factors = model.qi.shape[1] if self.algorithm != "BaselineOnly" else 0
        self.user_factors_ = np.zeros((ratings.n_users, n_factors))
        self.item_factors_ = np.zeros((ratings.n_items, n_factors))
        if n_factors:
            self.user_factors_[users], self.item_factors_[items] = model.pu, model.qi
        if self.algorithm == "SVDpp":
            for inner, user in enumerate(users):
                rated = [item for item, _ in data.ur[inner]]
                self.user_factors_[user] += model.yj[rated].sum(axis=0) / np.sqrt(len(rated))

    def _predict(self, users, items):
        dot = np.einsum("nk,nk->n", self.user_factors_[users], self.item_factors_[items])
        return self.mean_ + self.user_bias_[users] + self.item_bias_[items] + dot
