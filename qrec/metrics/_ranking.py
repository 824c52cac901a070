"""A user's test items in the order of their predictions.

Only pairs that were scored are ranked, and only users with two of them or more: a single item
stands in its right place whatever its prediction. Where predictions tie, the order is open: a
metric is its mean over all orders (McSherry and Najork, ECIR 2008), so that a recommender that
predicts one value for all is worth what chance is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qrec.errors import DataError
from qrec.types import AnyCodes, Array

RELEVANT = 4.0  # from this rating on an item is relevant
_HIGHEST = 5.0


@dataclass(frozen=True, eq=False)
class Ranking:
    """Pairs by user, the highest score first, `(n,)` each."""

    truth: Array
    user: NDArray[np.intp]  # counted from 0 among those that are ranked
    place: NDArray[np.intp]  # of the pair in its user's order, from 0
    _tie: NDArray[np.intp]  # the same for pairs of a user with the same score

    def sums(self, values: Array) -> Array:
        """Return the sum over the pairs of each user, `(n_users,)`."""
        return np.asarray(np.bincount(self.user, weights=values), dtype=float)

    def over_ties(self, weight: Array) -> Array:
        """Return the weights `(n,)` of the places, each tie sharing its places evenly."""
        return np.asarray((np.bincount(self._tie, weight) / np.bincount(self._tie))[self._tie])


def rank(truth: Array, prediction: Array, users: AnyCodes, by: Array | None = None) -> Ranking:
    """Rank the scored pairs of each user by `prediction`, or by `by`; all arguments `(n,)`."""
    _, user, n_items = np.unique(
        users[~np.isnan(prediction)], return_inverse=True, return_counts=True
    )
    kept = np.flatnonzero(~np.isnan(prediction))[n_items[user] > 1]
    score = (prediction if by is None else by)[kept]
    _, user, n_items = np.unique(users[kept], return_inverse=True, return_counts=True)
    order = np.lexsort((-score, user))
    user, score = user[order], score[order]
    place = np.arange(len(user)) - np.repeat(np.cumsum(n_items) - n_items, n_items)
    begins = (np.diff(user, prepend=-1) != 0) | (np.diff(score, prepend=np.nan) != 0)
    return Ranking(truth[kept][order], user, place, np.cumsum(begins) - 1)


def hits(truth: Array, prediction: Array, users: AnyCodes, at: int) -> tuple[Array, Array, Array]:
    """Return for each ranked user the relevant items among the first `at`, all relevant ones,
    and how many items the first `at` are, `(n_users,)` each.

    Raises DataError for ratings above 5, where `RELEVANT` would mean something else.
    """
    if truth.max(initial=0.0) > _HIGHEST:
        raise DataError(
            f"a rating is {truth.max():g}: items are relevant from {RELEVANT:g} of {_HIGHEST:g} "
            "on, and what they are on a longer scale is not defined"
        )
    ranking = rank(truth, prediction, users)
    relevant = (ranking.truth >= RELEVANT).astype(float)
    first = (ranking.place < at).astype(float)
    found = ranking.sums(relevant * ranking.over_ties(first))
    return found, ranking.sums(relevant), ranking.sums(first)
