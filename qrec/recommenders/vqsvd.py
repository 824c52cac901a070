"""Blocks of the rating matrix, each factored by the variational SVD."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from sklearn.base import clone

from qrec.backends.open import Openable, open_backend
from qrec.backends.workload import Asked
from qrec.data.ratings import Ratings
from qrec.recommenders._blocks import LARGEST, BlockRecommender, Blocks
from qrec.recommenders.spaces import Range
from qrec.seeds import child_seed
from qrec.svd import VariationalSVD
from qrec.svd.factors import n_parameters, random_angles, readout_runs, train
from qrec.svd.measured import is_ideal
from qrec.svd.objectives import Criterion, Kind
from qrec.svd.optimisers import Optimizer
from qrec.types import Array


class VQSVDRecommender(BlockRecommender):
    """Predict r_ui = mean + b_u + c_i + the variational SVD of the block that holds (u, i).

    Blocks, `n_factors`, `n_qubits`, `blocks` and `n_blocks` are as in `BlockSVDRecommender`,
    whose row shows what a perfect decomposition of the same blocks predicts. `n_layers`,
    `objective`, `optimizer`, `max_iter` and `n_init` see `qrec.svd.VariationalSVD`.

    On the noiseless backend, which None is, all blocks are trained side by side; on any other
    each is trained by circuits of its own, one after another: choose `n_blocks` accordingly.
    `n_circuits_` counts the circuits that devices run. The real part of a reconstruction
    predicts.
    """

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1), Range(low=1, high=16, log=True)] = 2,
        n_qubits: Annotated[int, Ge(1), Le(LARGEST)] = 6,
        n_layers: Annotated[int, Ge(1)] = 4,
        objective: Kind = "subspace",
        optimizer: Optimizer = "bfgs",
        max_iter: Annotated[int, Ge(1)] = 60,
        n_init: Annotated[int, Ge(1)] = 1,
        blocks: Blocks = "activity",
        n_blocks: Annotated[int, Ge(1)] | None = None,
        backend: Openable = None,
        random_state: Annotated[int, Ge(0)] = 0,
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
        self.backend = backend
        self.random_state = random_state

    def questions(self, ratings: Ratings, validation: Ratings | None = None) -> list[Asked]:
        """Return the most that training every block asks, one block after another."""
        if is_ideal(open_backend(self.backend)):
            return []
        blocks = enumerate(clone(self)._cut(ratings))
        return [asked for k, block in blocks for asked in self._model(k).questions(block)]

    def _low_rank(self, blocks: Array) -> Array:
        self.n_circuits_: dict[str, int] = {}
        if is_ideal(open_backend(self.backend)):
            return self._trained(blocks)
        return np.array([self._measured(block, k) for k, block in enumerate(blocks)])

    def _trained(self, blocks: Array) -> Array:
        """Train all blocks side by side by linear algebra."""
        criterion = Criterion.of_rank(self.objective, self.n_factors)
        scale = np.abs(blocks).max(axis=(1, 2), keepdims=True)
        scale[scale == 0] = 1.0
        size = n_parameters(self.n_qubits, self.n_layers)
        starts = [random_angles(self.n_init, size, self._seed(k)) for k in range(len(blocks))]
        repeated = np.repeat(blocks / scale, self.n_init, axis=0)
        found = train(
            repeated,
            self.n_layers,
            criterion,
            np.concatenate(starts),
            self.optimizer,
            self.max_iter,
            self.random_state,
        )
        best = found.value.reshape(len(blocks), self.n_init).argmax(axis=1)
        rows = np.arange(len(blocks)) * self.n_init + best
        self._count({name: int(count.sum()) for name, count in found.circuits.items()})
        self._count({"readout": readout_runs(criterion) * len(blocks)})
        return np.asarray(found.factors.reconstruct(self.n_factors)[rows].real * scale)

    def _measured(self, block: Array, k: int) -> Array:
        """Train one block by circuits."""
        model = self._model(k).fit(block)
        self._count(model.n_circuits_)
        return np.asarray(model.reconstruct().real)

    def _model(self, k: int) -> VariationalSVD:
        return VariationalSVD(
            self.n_factors,
            self.n_layers,
            self.objective,
            self.optimizer,
            self.backend,
            self.n_init,
            self._seed(k),
            self.max_iter,
            form="direct",
        )

    def _count(self, runs: dict[str, int]) -> None:
        for name, count in runs.items():
            self.n_circuits_[name] = self.n_circuits_.get(name, 0) + count

    def _seed(self, block: int) -> int:
        return child_seed(self.random_state, "block", block)
