"""A bilinear ridge regression on compressed rows of ratings, beside the net on the same."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt
from scipy.sparse import csr_array

from qrec.data.ratings import Ratings
from qrec.recommenders._latent import Compression, Features
from qrec.recommenders.base import Recommender, indicator, rating_matrix
from qrec.recommenders.bias import UserItemBias
from qrec.recommenders.parameters import check_at_most
from qrec.recommenders.spaces import Range
from qrec.types import Array, Codes


class LatentRidge(Recommender):
    """Predict mean + b_u + c_i + x_u^T W y_i, with `LatentNet`'s features x and y.

    W minimises the squared error plus `reg` |W|_F^2, exactly; the biases are those of
    `UserItemBias`. The classical use of the same numbers.
    """

    def __init__(
        self,
        features: Features = "autoencoder",
        n_latent: Annotated[int, Ge(1)] = 2,
        encoder_qubits: Annotated[int, Ge(2)] = 6,
        encoder_layers: Annotated[int, Ge(1)] = 4,
        n_init: Annotated[int, Ge(1)] = 1,
        reg: Annotated[float, Gt(0), Range(low=0.1, high=1000.0, log=True)] = 10.0,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.features = features
        self.n_latent = n_latent
        self.encoder_qubits = encoder_qubits
        self.encoder_layers = encoder_layers
        self.n_init = n_init
        self.reg = reg
        self.random_state = random_state

    def check(self) -> None:
        check_at_most(self, "n_latent", self.encoder_qubits - 1, "below encoder_qubits")

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self.check()
        compress = Compression(
            self.features, self.n_latent, self.encoder_qubits, self.encoder_layers, self.n_init,
            self.random_state,
        )  # fmt: skip
        self.bias_ = UserItemBias().fit(ratings)
        users, items = active_rows(ratings, self.encoder_qubits)
        self.user_features_ = compress(users, "users")
        self.item_features_ = compress(items, "items")
        x = self._products(ratings.user, ratings.item)
        gram = x.T @ x + self.reg * np.eye(x.shape[1])
        self.weights_ = np.linalg.solve(gram, x.T @ self.bias_.residual(ratings))

    def _products(self, users: Codes, items: Codes) -> Array:
        x, y = self.user_features_[users], self.item_features_[items]
        return np.asarray((x[:, :, None] * y[:, None, :]).reshape(len(users), -1))

    def _predict(self, users: Codes, items: Codes) -> Array:
        return np.asarray(
            self.bias_.offset(users, items) + self._products(users, items) @ self.weights_
        )


def active_rows(ratings: Ratings, n_qubits: int) -> tuple[Array, Array]:
    """Return what the biases leave of each user's ratings of the 2^n_qubits most rated items.

    Zeros stand for ratings that are not there, `(n_users, 2^n_qubits)`; and the same of items
    and the most active users, `(n_items, 2^n_qubits)`.
    """
    residual = rating_matrix(ratings, UserItemBias().fit(ratings).residual(ratings))
    return _most_active(residual, 2**n_qubits), _most_active(residual.T.tocsr(), 2**n_qubits)


def _most_active(matrix: csr_array, side: int) -> Array:
    counts = indicator(matrix).sum(axis=0)
    columns = np.argsort(-counts, kind="stable")[:side]
    rows = np.zeros((matrix.shape[0], side))
    rows[:, : len(columns)] = matrix[:, columns].toarray()
    return rows
