"""Blocks of the rating matrix, each factored by the variational SVD."""

import numpy as np
from numpy.typing import NDArray

from qrec.backends.open import Openable, open_backend
from qrec.config import ExactSpec
from qrec.data.ratings import Ratings
from qrec.errors import ConfigError
from qrec.recommenders._checks import check_at_most, check_params
from qrec.recommenders.base import Recommender, rating_matrix
from qrec.recommenders.bias import UserItemBias
from qrec.seeds import child_seed
from qrec.svd import VariationalSVD
from qrec.svd.factors import circuit_runs, n_parameters, random_angles, readout_runs, train
from qrec.svd.objectives import KINDS, Score
from qrec.svd.optimisers import OPTIMIZERS

Array = NDArray[np.float64]
_BLOCKS = ("activity", "coclustering")
_SOLVERS = ("variational", "exact")
_LARGEST = 6  # qubits: a side of 64


class VQSVDRecommender(Recommender):
    """Predict r_ui = mean + b_u + c_i + the truncated SVD of the block that holds (u, i).

    Users and items are put in an order and cut into groups of 2^`n_qubits`; a group of each is
    a block. It holds what `UserItemBias` leaves of the ratings, zeros where there is no rating
    and beyond the last user or item, and is replaced by its variational SVD of rank
    `n_factors`: see `qrec.svd.VariationalSVD` for `n_layers`, `objective`, `optimizer`,
    `max_iter` and `n_init`. `blocks` is the order: "activity", by number of ratings, or
    "coclustering", by the clusters of Dhillon, "Co-clustering documents and words using
    bipartite spectral graph partitioning" (KDD 2001), then by number of ratings.

    `n_blocks` limits the work to the blocks with the most ratings: pairs in no such block are
    not scored. ``solver="exact"`` takes numpy's truncated SVD of the same blocks: the row to
    lay this one beside. On any `backend` but the exact one every block is trained by its own
    circuits, one after another: choose `n_blocks` accordingly.

    Where entries are real, the real part of the reconstruction is used.
    """

    def __init__(
        self,
        n_factors: int = 2,
        n_qubits: int = 6,
        n_layers: int = 4,
        objective: str = "subspace",
        optimizer: str = "bfgs",
        max_iter: int = 60,
        n_init: int = 1,
        blocks: str = "activity",
        n_blocks: int | None = None,
        solver: str = "variational",
        backend: Openable = "exact",
        random_state: int = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_qubits = n_qubits
        self.n_layers = n_layers
        self.objective = objective
        self.optimizer = optimizer
        self.max_iter = max_iter
        self.n_init = n_init
        self.blocks = blocks
        self.n_blocks = n_blocks
        self.solver = solver
        self.backend = backend
        self.random_state = random_state

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self._check()
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
        residual = ratings.value - self.bias_.offset(ratings.user, ratings.item)
        blocks[block[kept], row[kept] % side, column[kept] % side] = residual[kept]
        self.residual_ = self._low_rank(blocks)

    def _predict(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> Array:
        return self.bias_.offset(users, items) + self._residual(users, items)

    def _can_score(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.bool_]:
        return super()._can_score(users, items) & (self._block(users, items) >= 0)

    def _predict_all(self, users: NDArray[np.int32]) -> Array:
        every = np.arange(self.n_items_, dtype=np.int32)
        pairs = np.repeat(users, len(every)), np.tile(every, len(users))
        scores = np.where(self._can_score(*pairs), self._predict(*pairs), np.nan)
        return scores.reshape(len(users), -1)

    def _block(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.int64]:
        side = 2**self.n_qubits
        groups = self.user_place_[users] // side, self.item_place_[items] // side
        return np.asarray(self.block_[groups])

    def _residual(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> Array:
        side = 2**self.n_qubits
        place = self._block(users, items), self.user_place_[users] % side
        return np.asarray(self.residual_[(*place, self.item_place_[items] % side)])

    def _low_rank(self, blocks: Array) -> Array:
        """Return the truncated decompositions of `blocks` (n, N, N), multiplied out."""
        backend = open_backend(self.backend)
        self.n_circuits_: dict[str, int] = {}
        if self.solver == "exact":
            u, s, vh = np.linalg.svd(blocks)
            k = self.n_factors
            return np.asarray((u[:, :, :k] * s[:, None, :k]) @ vh[:, :k])
        if isinstance(backend.spec, ExactSpec):
            return self._trained(blocks)
        return np.array([self._measured(block, k) for k, block in enumerate(blocks)])

    def _trained(self, blocks: Array) -> Array:
        """Train all blocks side by side by linear algebra."""
        score = Score(self.objective, np.arange(self.n_factors, 0, -1.0))
        scale = np.abs(blocks).max(axis=(1, 2), keepdims=True)
        scale[scale == 0] = 1.0
        size = n_parameters(self.n_qubits, self.n_layers)
        starts = [random_angles(self.n_init, size, self._seed(k)) for k in range(len(blocks))]
        repeated = np.repeat(blocks / scale, self.n_init, axis=0)
        found = train(
            repeated,
            self.n_layers,
            score,
            np.concatenate(starts),
            self.optimizer,
            self.max_iter,
            self.random_state,
        )
        best = found.value.reshape(len(blocks), self.n_init).argmax(axis=1)
        rows = np.arange(len(blocks)) * self.n_init + best
        runs = circuit_runs(score, size, found.n_values, found.n_gradients, score.rank)
        self._count({name: int(count.sum()) for name, count in runs.items()})
        self._count({"readout": readout_runs(score) * len(blocks)})
        return np.asarray(found.factors.reconstruct(self.n_factors)[rows].real * scale)

    def _measured(self, block: Array, k: int) -> Array:
        """Train one block by circuits."""
        model = VariationalSVD(
            self.n_factors,
            self.n_layers,
            self.objective,
            self.optimizer,
            self.backend,
            self.n_init,
            self._seed(k),
            self.max_iter,
            form="direct",
        ).fit(block)
        self._count(model.n_circuits_)
        return np.asarray(model.reconstruct().real)

    def _count(self, runs: dict[str, int]) -> None:
        for name, count in runs.items():
            self.n_circuits_[name] = self.n_circuits_.get(name, 0) + count

    def _seed(self, block: int) -> int:
        return child_seed(self.random_state, "block", block)

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

    def _check(self) -> None:
        check_params(
            self, n_factors=1, n_qubits=1, n_layers=1, max_iter=1, n_init=1, blocks=_BLOCKS,
            solver=_SOLVERS, objective=KINDS, optimizer=OPTIMIZERS,
        )  # fmt: skip
        check_at_most(self, "n_qubits", _LARGEST, "a block of 64 users and 64 items")
        check_at_most(self, "n_factors", 2**self.n_qubits, "the side of a block")
        if self.n_blocks is not None and (
            not isinstance(self.n_blocks, int)
            or isinstance(self.n_blocks, bool)
            or self.n_blocks < 1
        ):
            raise ConfigError(
                f"VQSVDRecommender: n_blocks is {self.n_blocks!r}; expected None, for all, or an "
                "integer of at least 1"
            )
