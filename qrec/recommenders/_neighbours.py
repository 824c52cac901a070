"""What item and user neighbourhood models share."""

from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qrec.data.ratings import Ratings
from qrec.recommenders.base import Recommender, indicator, rating_matrix
from qrec.recommenders.bias import UserItemBias
from qrec.recommenders.spaces import Range
from qrec.types import Array, Codes


class NeighbourRecommender(Recommender):
    """A bias and the weighted mean of the residuals e of the nearest neighbours.

    Where items are compared, a user is a row in which they meet and they are its columns; where
    users are compared, it is the other way round.
    """

    compares: ClassVar[str]  # "items" or "users"

    def __init__(
        self,
        n_neighbors: Annotated[int, Ge(1), Range(low=5, high=200, log=True)] = 40,
        shrinkage: Annotated[float, Ge(0), Range(low=1.0, high=1000.0, log=True)] = 100.0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.shrinkage = shrinkage

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self.bias_ = UserItemBias().fit(ratings)
        by_user = rating_matrix(ratings, self.bias_.residual(ratings))
        rows = by_user if self.compares == "items" else by_user.T.tocsr()
        self.residual_, self.columns_, self.indptr_ = rows.data, rows.indices, rows.indptr
        self.similarity_ = shrunk_correlation(rows, self.shrinkage).astype(np.float32)

    def _predict(self, users: Codes, items: Codes) -> Array:
        rows, columns = (users, items) if self.compares == "items" else (items, users)
        out = self.bias_.offset(users, items)
        order = np.argsort(rows, kind="stable")
        starts = np.flatnonzero(np.diff(rows[order], prepend=-1))
        for pairs in np.split(order, starts[1:]):
            row = rows[pairs[0]]
            rated = slice(self.indptr_[row], self.indptr_[row + 1])
            weights = self.similarity_[np.ix_(columns[pairs], self.columns_[rated])]
            out[pairs] += self._weighted_mean(weights, self.residual_[rated])
        return out

    def _weighted_mean(self, weights: NDArray[np.float32], residual: Array) -> Array:
        """Return sum w e / sum w over each row's largest positive weights, 0 where none is."""
        if weights.shape[1] > self.n_neighbors:
            nearest = np.argpartition(-weights, self.n_neighbors - 1, axis=1)
            nearest = nearest[:, : self.n_neighbors]
            weights = np.take_along_axis(weights, nearest, axis=1)
            residual = residual[nearest]
        weights = np.maximum(weights, 0.0)
        total = weights.sum(axis=1, dtype=np.float64)
        mean: Array = np.zeros(len(total))
        np.divide((weights * residual).sum(axis=1), total, out=mean, where=total > 0)
        return mean


def shrunk_correlation(residual: csr_array, shrinkage: float) -> Array:
    """Return the correlations of the columns over the rows both have, shrunk by their number.

    s_ij = n_ij / (n_ij + shrinkage) sum e_i e_j / sqrt(sum e_i^2 sum e_j^2), sums over the n_ij
    common rows: Koren, "Factor in the neighbors" (2010), section 2.2, around the biases.
    """
    observed = indicator(residual)
    common = (observed.T @ observed).toarray()
    squares = ((residual**2).T @ observed).toarray()  # sum of e_i^2 where j is there too
    norm = np.sqrt(squares * squares.T) * (common + shrinkage)
    product = (residual.T @ residual).toarray() * common
    similarity: Array = np.zeros_like(norm)
    np.divide(product, norm, out=similarity, where=norm > 0)
    return similarity
