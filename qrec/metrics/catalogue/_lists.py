"""What was recommended to each user, what of it they liked, and what a metric of that is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qrec.metrics._metric import Score
from qrec.types import Array, Codes


@dataclass(frozen=True, eq=False)
class Lists:
    """Items recommended to users, best first, and the items of theirs that are relevant.

    Each user has a relevant item: of one without, no list is better than another.
    """

    items: Codes  # (n_users, n); -1 where nothing could be recommended
    relevant: csr_array  # (n_users, n_items), ones
    raters: NDArray[np.int64]  # (n_items,) how many training users rated each item
    n_training_users: int

    def first(self, n: int) -> Self:
        """Return the lists cut after `n` items."""
        return replace(self, items=self.items[:, :n])

    @cached_property
    def hits(self) -> NDArray[np.bool_]:
        """Whether the item at each place is relevant, `(n_users, n)`."""
        rows = np.arange(len(self.items))[:, None]
        found = self.relevant[rows, np.maximum(self.items, 0)]
        dense = found.toarray() if hasattr(found, "toarray") else np.asarray(found)
        return np.asarray((dense > 0) & (self.items >= 0))

    @cached_property
    def n_relevant(self) -> NDArray[np.int64]:
        """How many items are relevant to each user, `(n_users,)`."""
        return np.asarray(np.diff(self.relevant.indptr), dtype=np.int64)

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """How often each item of the catalogue is recommended, `(n_items,)`."""
        given = self.items[self.items >= 0]
        return np.bincount(given, minlength=len(self.raters)).astype(np.int64)

    def sums(self, values: Array) -> Array:
        """Return the sum of a value per item `(n_items,)` over each user's list, `(n_users,)`."""
        return np.asarray(np.where(self.items >= 0, values[self.items], 0.0).sum(axis=1))


@dataclass(frozen=True)
class ListMetric:
    """A metric of lists as its file offers it, with its column in tables."""

    header: str
    compute: Callable[[Lists], Score]  # of lists that were cut
    format: str = "{:.4f}"


@dataclass(frozen=True)
class CutMetric:
    """A metric of lists by its full name, ``ndcg@10``: ready to be computed and shown."""

    name: str
    header: str
    format: str
    cutoff: int
    compute: Callable[[Lists], Score]

    def __call__(self, lists: Lists) -> Score:
        """Return the metric of the first `cutoff` items of each list."""
        return self.compute(lists.first(self.cutoff))
