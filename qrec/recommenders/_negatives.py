"""Drawing items that a user has not rated: what a ranking loss holds against those rated."""

import numpy as np
from numpy.typing import NDArray

from qrec.data.ratings import Ratings
from qrec.errors import DataError
from qrec.types import AnyCodes


class Negatives:
    """Items without a rating in any of `parts`, drawn uniformly and without trial and error.

    The r-th item that a user has not rated is r + the number of rated ones before it. Those are
    the rated ones, in order of their codes, of which at most r unrated ones stand before.
    """

    def __init__(self, *parts: Ratings) -> None:
        self._n_items = parts[0].n_items
        user = np.concatenate([part.user for part in parts])
        item = np.concatenate([part.item for part in parts])
        pairs = np.unique(user.astype(np.int64) * self._n_items + item)
        user, item = pairs // self._n_items, pairs % self._n_items
        counts = np.bincount(user, minlength=parts[0].n_users)
        self._begins = np.cumsum(counts) - counts
        self._n_unrated = self._n_items - counts
        unrated_before = item - (np.arange(len(pairs)) - self._begins[user])
        self._key = user * (self._n_items + 1) + unrated_before

    def exist(self, users: AnyCodes) -> NDArray[np.bool_]:
        """Return whether there is an item that each user has not rated, `(n,)`."""
        return np.asarray(self._n_unrated[users] > 0)

    def draw(self, users: AnyCodes, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return `n` items for each of `users`, `(len(users), n)`, each of whom has one."""
        users = np.asarray(users, dtype=np.int64)[:, None]
        rank = rng.integers(0, self._n_unrated[users], size=(len(users), n))
        before = np.searchsorted(self._key, users * (self._n_items + 1) + rank, side="right")
        return np.asarray(rank + before - self._begins[users], dtype=np.int64)


def comparable(ratings: Ratings, unrated: Negatives) -> Ratings:
    """Return the ratings of users who have left an item unrated. Raises DataError for none."""
    found = ratings[np.flatnonzero(unrated.exist(ratings.user))]
    if len(found) == 0:
        raise DataError(
            f"all users rated all of {ratings.n_items} items; a ranking loss needs an item that a "
            "user did not rate"
        )
    return found
