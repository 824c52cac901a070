"""Blocks of the rating matrix, each replaced by its truncated singular value decomposition."""

import numpy as np

from qrec.recommenders._blocks import Array, BlockRecommender


class BlockSVDRecommender(BlockRecommender):
    """Predict r_ui = mean + b_u + c_i + the truncated SVD of the block that holds (u, i).

    The best that `VQSVDRecommender` can do on the same blocks. Users and items are put in an
    order and cut into groups of 2^`n_qubits`; a group of each is a block, which holds what
    `UserItemBias` leaves of the ratings and zeros elsewhere. `blocks` is the order: "activity"
    (number of ratings) or "coclustering" (spectral, Dhillon, KDD 2001). `n_blocks` limits the
    work to the blocks with the most ratings: pairs in no such block are not scored.
    """

    def __init__(
        self,
        n_factors: int = 2,
        n_qubits: int = 6,
        blocks: str = "activity",
        n_blocks: int | None = None,
        random_state: int = 0,
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
