"""EASE: a linear item-item model in closed form."""

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge
from scipy.sparse import csr_array

from qrec.data.ratings import Ratings
from qrec.recommenders.base import Recommender, indicator, rating_matrix
from qrec.recommenders.bias import UserItemBias
from qrec.recommenders.spaces import Range
from qrec.types import Array, Codes

_USERS_AT_ONCE = 1024  # bounds the dense blocks of users x items


class EASE(Recommender):
    """Predict r_ui = mean + b_u + c_i + slope sum_j e_uj W_ji from the residuals e of the biases.

    E `(n_users, n_items)` holds what `UserItemBias` leaves of the ratings, with zeros where there
    is none. W minimises |E - E W|^2 + reg |W|^2 with a zero diagonal, so that no rating explains
    itself: Steck, "Embarrassingly shallow autoencoders for sparse data" (WWW 2019), equation 8,
    W_ij = -P_ij / P_jj with P = (E^T E + reg I)^-1.

    Since W learns to give the zeros of the missing ratings too, its predictions are too small by
    a factor that grows with sparsity and `reg`. `slope_` undoes that: it is the least-squares
    slope of the training residuals on their leave-one-user-out predictions.

    ``feedback="implicit"`` is Steck's own model: E is one where there is a rating, whatever it
    is, and the score is sum_j e_uj W_ji alone. It orders items by who rates them, so `predict`
    gives ``nan``; `reg` is then best smaller, a few hundred on MovieLens.

    Fitting takes the memory and time of a dense `(n_items, n_items)` inverse.
    """

    def __init__(
        self,
        reg: Annotated[float, Ge(1e-3), Range(low=100.0, high=1e6, log=True)] = 3000.0,
        feedback: Literal["explicit", "implicit"] = "explicit",
    ) -> None:
        self.reg = reg
        self.feedback = feedback

    def rates(self) -> bool:
        return self.feedback == "explicit"

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self.bias_ = UserItemBias().fit(ratings)
        residual = self._rows(ratings)
        self.residual_ = residual.data  # in the order of seen_items_
        gram = (residual.T @ residual).toarray()
        gram[np.diag_indices_from(gram)] += self.reg
        inverse = np.linalg.inv(gram)
        self.weights_ = inverse / -np.diag(inverse)
        np.fill_diagonal(self.weights_, 0.0)
        self.slope_ = left_out_slope(residual, inverse) if self.rates() else 1.0

    def _fold_in(self, ratings: Ratings) -> None:
        self.bias_ = self.bias_.fold_in(ratings)
        self.residual_ = self._rows(ratings).data

    def _rows(self, ratings: Ratings) -> csr_array:
        """Return E for the users of `ratings`."""
        if not self.rates():
            return indicator(rating_matrix(ratings))
        return rating_matrix(ratings, self.bias_.residual(ratings))

    def _predict(self, users: Codes, items: Codes) -> Array:
        out = self.bias_.offset(users, items) if self.rates() else np.zeros(len(users))
        distinct, row = np.unique(users, return_inverse=True)
        residual = self._seen_matrix(self.residual_)[distinct]
        for start, block in _blocks(residual):
            inside = (row >= start) & (row < start + _USERS_AT_ONCE)
            scores = block @ self.weights_
            out[inside] += self.slope_ * scores[row[inside] - start, items[inside]]
        return out


def left_out_slope(residual: csr_array, inverse: Array) -> float:
    """Return the slope of residuals on their predictions by the weights of all *other* users.

    Leaving out user x changes P by the Sherman-Morrison formula, after which EASE predicts
    x_i - h_i / ((1 - s) P_ii + h_i^2), where h = x P and s = x P x^T.
    """
    with_residual = squares = 0.0
    for _, block in _blocks(residual):
        row, item = block.tocoo().coords
        own = block.data
        h = block @ inverse
        h = h[row, item]
        s = np.bincount(row, weights=own * h, minlength=block.shape[0])[row]
        predicted = own - h / ((1 - s) * np.diag(inverse)[item] + h**2)
        with_residual += predicted @ own
        squares += predicted @ predicted
    return with_residual / squares if squares > 0 else 1.0


def _blocks(matrix: csr_array) -> Iterator[tuple[int, csr_array]]:
    for start in range(0, matrix.shape[0], _USERS_AT_ONCE):
        yield start, matrix[start : start + _USERS_AT_ONCE]
