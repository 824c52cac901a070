"""A factor model of many factors as one of few: what fits into a small circuit."""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from sklearn.base import clone

from qrec.backends.workload import Asked
from qrec.data.ratings import Ratings
from qrec.recommenders._factors import FactorRecommender
from qrec.recommenders.bmf import BayesianMF
from qrec.recommenders.parameters import check_at_most
from qrec.types import Array


class CompressedFactors(FactorRecommender):
    """Predict with the best approximation of rank `n_factors` to all that `base` predicts.

    The products P Q^T of the factors of all users and items that `base` can score are a matrix;
    its means per user and per item go to the biases, and of what is left the `n_factors` largest
    singular values are kept, their roots on both sides (Eckart and Young, Psychometrika 1,
    1936). By default `base` is `BayesianMF()`, whose posterior mean of 10 factors has 800.

    An overlap test on these factors needs ceil(log2(n_factors)) + 1 qubits with
    ``estimate="signed"``. What it then reads from its circuit is the dot product of these
    vectors: by construction it equals this classical model, and learns nothing of its own.
    """

    def __init__(
        self, base: FactorRecommender | None = None, n_factors: Annotated[int, Ge(1)] = 8
    ) -> None:
        self.base = base
        self.n_factors = n_factors

    def questions(self, ratings: Ratings, validation: Ratings | None = None) -> list[Asked]:
        """Return what the fit of `base` asks."""
        return [] if self.base is None else self.base.questions(ratings, validation)

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        base = BayesianMF() if self.base is None else clone(self.base)
        base.fit(ratings, validation=validation)
        # Others have vectors that no prediction uses.
        users, items = base.known_users_[:, None], base.known_items_[:, None]
        p, q = base.user_factors_ * users, base.item_factors_ * items
        check_at_most(
            self, "n_factors", min(*p.shape, *q.shape), "the least of users, items, base's factors"
        )
        mean_p, mean_q = p.sum(axis=0) / users.sum(), q.sum(axis=0) / items.sum()
        self.mean_ = base.mean_ - float(mean_p @ mean_q)
        self.user_bias_ = base.user_bias_ + p @ mean_q
        self.item_bias_ = base.item_bias_ + q @ mean_p
        self.user_factors_, self.item_factors_ = _compressed(
            (p - mean_p) * users, (q - mean_q) * items, self.n_factors
        )


def _compressed(p: Array, q: Array, rank: int) -> tuple[Array, Array]:
    """Return the factors `(n, rank)`, `(m, rank)` nearest to P Q^T, which is never formed."""
    left, upper_p = np.linalg.qr(p)
    right, upper_q = np.linalg.qr(q)
    u, s, vt = np.linalg.svd(upper_p @ upper_q.T)
    root = np.sqrt(s[:rank])
    return left @ (u[:, :rank] * root), right @ (vt[:rank].T * root)
