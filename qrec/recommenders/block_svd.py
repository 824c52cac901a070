"""Blocks of the rating matrix, each replaced by its truncated singular value decomposition."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from qrec.recommenders._blocks import LARGEST, BlockRecommender, Blocks
from qrec.recommenders.spaces import Range
from qrec.types import Array


class BlockSVDRecommender(BlockRecommender):
    """Predict r_ui = mean + b_u + c_i + the truncated SVD of the block that holds (u, i).

    The best that `VQSVDRecommender` can do on the same blocks. Users and items are put in an
    order and cut into groups of 2^`n_qubits`; a group of each is a block, which holds what
    `UserItemBias` leaves of the ratings and zeros elsewhere. `blocks` is the order: "activity",
    by number of ratings, or "coclustering", by the clusters of Dhillon, "Co-clustering documents
    and words using bipartite spectral graph partitioning" (KDD 2001), then by number of ratings.
    `n_blocks` limits the work to the blocks with the most ratings, None takes all: pairs in no
    such block are not scored.
    """

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1), Range(low=1, high=16, log=True)] = 2,
        n_qubits: Annotated[int, Ge(1), Le(LARGEST)] = 6,
        blocks: Blocks = "activity",
        n_blocks: Annotated[int, Ge(1)] | None = None,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_qubits = n_qubits
        self.blocks = blocks
        self.n_blocks = n_blocks
        self.random_state = random_state

    def _low_rank(self, blocks: Array) -> Array:
        u, s, vh = np.linalg.svd(blocks)
        k = self.n_factors
        return np.asarray((u[:, :, :k] * s[:, None, :k]) @ vh[:, :k])
