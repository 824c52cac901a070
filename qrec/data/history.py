"""What a user had rated, and who had rated an item, before a given second."""

import numpy as np
from numpy.typing import NDArray

from qrec.data.ratings import Ratings
from qrec.errors import DataError

Times = NDArray[np.int64]  # seconds since 1970
Rows = NDArray[np.int64]


class History:
    """The ratings `train` by time: for a user, or an item, and a time, those *strictly* earlier.

    Ratings of the same second are no history: in MovieLens whole pages of them are submitted at
    once, and what was submitted beside a rating is not known when it is predicted. They are with
    `ties`, which shows what a figure owes to them. Ratings that are not in `train` are never in.

    Raises DataError where `train` has no timestamps.
    """

    def __init__(self, train: Ratings, *, ties: bool = False) -> None:
        if train.timestamp is None:
            raise DataError("a history needs timestamps; these ratings have none")
        self._ties = ties
        self._seconds = np.unique(train.timestamp)
        self.now = int(self._seconds[-1]) + 1 if len(train) else 0
        self._timestamp = train.timestamp
        self._users = _Lists(train.user, train.timestamp, train.item, self._seconds)
        self._items = _Lists(train.item, train.timestamp, train.user, self._seconds)

    def times(self, pairs: Ratings | NDArray[np.integer]) -> Times:
        """Return when pairs are predicted, `(n,)`: their timestamps; without any `now`.

        `now` is the second after the last of all training ratings.
        """
        if isinstance(pairs, Ratings) and pairs.timestamp is not None:
            return pairs.timestamp
        return np.full(len(pairs), self.now)

    def of_users(self, users: NDArray[np.integer], times: Times, size: int) -> Rows:
        """Return each user's last `size` ratings before each time: rows of `train`, `(n, size)`.

        Newest first, -1 where there are no more. Among ratings of one second the higher item
        code counts as newer, so that nothing hangs on the order of `train`.
        """
        return self._users.last(users, self._before(times), size)

    def of_items(self, items: NDArray[np.integer], times: Times, size: int) -> Rows:
        """Return each item's last `size` ratings before each time, as `of_users` does."""
        return self._items.last(items, self._before(times), size)

    def count_of_users(self, users: NDArray[np.integer], times: Times) -> NDArray[np.int64]:
        """Return how many ratings of each user are before each time, `(n,)`."""
        return self._users.count(users, self._before(times))

    def count_of_items(self, items: NDArray[np.integer], times: Times) -> NDArray[np.int64]:
        """Return how many ratings of each item are before each time, `(n,)`."""
        return self._items.count(items, self._before(times))

    def since_first_of_users(self, users: NDArray[np.integer], times: Times) -> Times:
        """Return the seconds since each user's first rating, `(n,)`; 0 where none is before."""
        first, count = self._users.first(users, self._before(times))
        return np.where(count > 0, times - self._timestamp[first], 0)

    def _before(self, times: Times) -> NDArray[np.intp]:
        """Return how many of the seconds in which anything was rated are before each time."""
        return np.searchsorted(self._seconds, times, "right" if self._ties else "left")


class _Lists:
    """Rows of ratings in one list for each code, oldest first."""

    def __init__(
        self, codes: NDArray[np.int32], times: Times, others: NDArray[np.int32], seconds: Times
    ) -> None:
        self._rows = np.lexsort((others, times, codes))
        self._stride = len(seconds) + 1
        place = np.searchsorted(seconds, times[self._rows])
        # One ascending key for code and second, so that one search answers for all targets.
        self._keys = codes[self._rows].astype(np.int64) * self._stride + place

    def last(self, codes: NDArray[np.integer], before: NDArray[np.intp], size: int) -> Rows:
        begin, end = self._bounds(codes, before)
        places = end[:, None] - 1 - np.arange(size)
        there = places >= begin[:, None]
        return np.where(there, self._rows[np.where(there, places, 0)], -1)

    def count(self, codes: NDArray[np.integer], before: NDArray[np.intp]) -> NDArray[np.int64]:
        begin, end = self._bounds(codes, before)
        return end - begin

    def first(
        self, codes: NDArray[np.integer], before: NDArray[np.intp]
    ) -> tuple[Rows, NDArray[np.int64]]:
        begin, end = self._bounds(codes, before)
        return self._rows[np.minimum(begin, len(self._rows) - 1)], end - begin

    def _bounds(
        self, codes: NDArray[np.integer], before: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        first = codes.astype(np.int64) * self._stride
        return np.searchsorted(self._keys, first), np.searchsorted(self._keys, first + before)
