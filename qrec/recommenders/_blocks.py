"""Factor models of blocks of the rating matrix, each of 2^n users and 2^n items."""

from abc import abstractmethod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qrec.data.ratings import Ratings
from qrec.recommenders.base import Recommender, rating_matrix
from qrec.recommenders.bias import UserItemBias
from qrec.recommenders.parameters import check_at_most
from qrec.types import Array, Codes

Blocks = Literal["activity", "coclustering"]
LARGEST = 6  # qubits: a side of 64


class BlockRecommender(Recommender):
    """Base of the models r_ui = mean + b_u + c_i + a low-rank matrix of the block with (u, i).

    What the blocks are says `BlockSVDRecommender`; they also hold zeros beyond the last user or
    item. Each is replaced by a matrix of rank `n_factors`.
    """

    n_factors: int
    n_qubits: int
    blocks: Blocks
    n_blocks: int | None
    random_state: int

    @abstractmethod
    def _low_rank(self, blocks: Array) -> Array:
        """Return matrices of rank `n_factors` in the place of `blocks`, both `(n, N, N)`."""

    def check(self) -> None:
        check_at_most(self, "n_factors", 2**self.n_qubits, "the side of a block")

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self.residual_ = self._low_rank(self._cut(ratings))

    def _cut(self, ratings: Ratings) -> Array:
        """Set the biases and the places of users and items; return the blocks `(n, N, N)`."""
        self.check()
        self.bias_ = UserItemBias().fit(ratings)
        side = 2**self.n_qubits
        users, items = self._order(ratings)
        # The place of each user and item: which group, and which row or column within it.
        self.user_place_, self.item_place_ = np.argsort(users), np.argsort(items)
        row, column = self.user_place_[ratings.user], self.item_place_[ratings.item]
        shape = -(-ratings.n_users // side), -(-ratings.n_items // side)
        counts = np.zeros(shape, np.int64)
        np.add.at(counts, (row // side, column // side), 1)
        most = np.argsort(-counts, axis=None, kind="stable")[: self.n_blocks]
        self.block_ = np.full(shape, -1)
        self.block_.flat[most] = np.arange(len(most))
        blocks = np.zeros((len(most), side, side))
        block = self.block_[row // side, column // side]
        kept = block >= 0
        residual = self.bias_.residual(ratings)
        blocks[block[kept], row[kept] % side, column[kept] % side] = residual[kept]
        return blocks

    def _predict(self, users: Codes, items: Codes) -> Array:
        return self.bias_.offset(users, items) + self._residual(users, items)

    def _can_score(self, users: Codes, items: Codes) -> NDArray[np.bool_]:
        return super()._can_score(users, items) & (self._block(users, items) >= 0)

    def _predict_all(self, users: Codes) -> Array:
        every = np.arange(self.n_items_, dtype=np.int32)
        pairs = np.repeat(users, len(every)), np.tile(every, len(users))
        scores = np.where(self._can_score(*pairs), self._predict(*pairs), np.nan)
        return scores.reshape(len(users), -1)

    def _block(self, users: Codes, items: Codes) -> NDArray[np.int64]:
        side = 2**self.n_qubits
        groups = self.user_place_[users] // side, self.item_place_[items] // side
        return np.asarray(self.block_[groups])

    def _residual(self, users: Codes, items: Codes) -> Array:
        side = 2**self.n_qubits
        place = self._block(users, items), self.user_place_[users] % side
        return np.asarray(self.residual_[(*place, self.item_place_[items] % side)])

    def _order(self, ratings: Ratings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return users and items in the order in which they are grouped."""
        user_counts = np.bincount(ratings.user, minlength=ratings.n_users)
        item_counts = np.bincount(ratings.item, minlength=ratings.n_items)
        user_label, item_label = np.zeros(ratings.n_users), np.zeros(ratings.n_items)
        if self.blocks == "coclustering":
            user_label, item_label = self._clusters(ratings, user_counts, item_counts)
        return np.lexsort((-user_counts, user_label)), np.lexsort((-item_counts, item_label))

    def _clusters(
        self, ratings: Ratings, user_counts: NDArray[np.int64], item_counts: NDArray[np.int64]
    ) -> tuple[Array, Array]:
        """Return the cluster of each user and item; those without ratings come last."""
        from sklearn.cluster import SpectralCoclustering

        users, items = np.flatnonzero(user_counts), np.flatnonzero(item_counts)
        rated = rating_matrix(ratings, np.ones(len(ratings)))[users][:, items]
        n_clusters = min(max(2, len(users) >> self.n_qubits), *(s - 1 for s in rated.shape))
        model = SpectralCoclustering(max(1, n_clusters), random_state=self.random_state).fit(rated)
        user_label = np.full(ratings.n_users, np.inf)
        item_label = np.full(ratings.n_items, np.inf)
        user_label[users], item_label[items] = model.row_labels_, model.column_labels_
        return user_label, item_label
