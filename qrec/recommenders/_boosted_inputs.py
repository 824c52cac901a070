"""What a boosted corrector reads of a target: tables, side data, and the past before it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qrec.data.features import side_matrix
from qrec.data.history import History, Rows, Times
from qrec.data.ratings import Ratings
from qrec.types import Array, Codes

HistoryKind = Literal["strict", "ties", "none"]

_DAY = 86_400.0
_USER_TAUS = (300.0, 3600.0, _DAY, 10 * _DAY, np.inf)  # seconds
_ITEM_TAUS = (3 * _DAY, 30 * _DAY)
_LAST_MEANS = (5, 10, 20)
_SHRINK = 5.0  # ratings' worth of the mean that a table's entry is drawn towards
_FEW = 0.1  # weight of nothing in a weighted mean: one of next to no weight says little
_MOST_VALUES = 20  # of a text column; one with more, such as a postcode, is left out
_AT_ONCE = 4096  # targets: bounds the blocks of targets x events


@dataclass(frozen=True)
class Side:
    """Side data as numbers: columns of users and items, and unit vectors of what items are."""

    user: Array  # (n_users, k)
    item: Array  # (n_items, k)
    kind: Array  # (n_items, k) of length 1, or 0 where nothing is known


def side_of(ratings: Ratings) -> Side:
    """Return the side data of ratings; without any, no columns."""
    if ratings.features is None:
        none = np.empty((ratings.n_items, 0))
        return Side(np.empty((ratings.n_users, 0)), none, none)
    columns = []
    for side, size in (("user", ratings.n_users), ("item", ratings.n_items)):
        blocks = [np.empty((size, 0))]
        for name, column in ratings.features.sides()[side].items():
            if column.dtype.kind == "f":
                blocks.append(column[:, None])
            else:
                found, names = side_matrix({name: column})
                blocks.append(found if len(names) <= _MOST_VALUES else np.empty((size, 0)))
        columns.append(np.hstack(blocks))
    texts = {k: v for k, v in ratings.features.item.items() if v.dtype.kind == "U"}
    texts = {k: v for k, v in texts.items() if len(side_matrix({k: v})[1]) <= _MOST_VALUES}
    kind = side_matrix(texts)[0] if texts else np.empty((ratings.n_items, 0))
    length = np.maximum(np.linalg.norm(kind, axis=1, keepdims=True), 1e-12)
    return Side(columns[0], columns[1], kind / length)


def table(codes: Codes, value: Array, error: Array, size: int) -> Array:
    """Return of each code its log count, and the means of error, error^2, and value, `(size, 4)`.

    Means are drawn towards that of all by a few ratings' worth of it.
    """
    count = np.bincount(codes, minlength=size)
    columns = [np.log1p(count)]
    for of in (error, error**2, value):
        mean = of.mean()
        columns.append(mean + np.bincount(codes, of - mean, size) / (count + _SHRINK))
    return np.column_stack(columns)


class Inputs:
    """The inputs of targets, given what is known: training ratings and their base's errors.

    Tables are of all known ratings, as a base is that was fitted on them; what is read of single
    events is of those before the target (see `History`). Holds similarities of all pairs of
    items and of users: 4 bytes each.
    """

    def __init__(
        self, known: Ratings, error: Array, tables: tuple[Array, Array], side: Side,
        history: HistoryKind, n_events: int,
    ) -> None:  # fmt: skip
        self._known, self._error, self._tables, self._side = known, error, tables, side
        self._n_events = n_events
        self._history = None
        if history != "none":
            self._history = History(known, ties=history == "ties")
            self._items = _cosines(known.item, known.user, known.n_items, known.n_users)
            self._users = _cosines(known.user, known.item, known.n_users, known.n_items)

    def of(
        self, pairs: Ratings | NDArray[np.integer], users: Codes, items: Codes, base: Array
    ) -> Array:
        """Return `(n, n_inputs)`; `base` `(n, k)` is the base's prediction, and what goes with it.

        ``nan`` stands where nothing is known.
        """
        columns = [
            base, self._tables[0][users], self._tables[1][items],
            self._side.user[users], self._side.item[items],
        ]  # fmt: skip
        if self._history is not None:
            times = self._history.times(pairs)
            blocks = [
                self._timed(self._history, users[at], items[at], times[at])
                for at in _slices(len(users))
            ]
            columns.append(np.concatenate(blocks))
        return np.hstack(columns)

    def _timed(self, history: History, users: Codes, items: Codes, times: Times) -> Array:
        rows = history.of_users(users, times, self._n_events)
        return np.column_stack(
            [
                self._of_user(rows, items, times),
                np.log1p(history.count_of_users(users, times)),
                np.log1p(history.since_first_of_users(users, times)),
                times / _DAY,
                self._of_item(history.of_items(items, times, self._n_events), users, times),
            ]
        )

    def _of_user(self, rows: Rows, items: Codes, times: Times) -> Array:
        there, gap = rows >= 0, self._gaps(rows, times)
        error = np.where(there, self._error[rows], 0.0)
        other = self._known.item[rows]
        together = np.where(there, self._items[items[:, None], other], 0.0)
        alike = [there.astype(float), together, together**3]
        if self._side.kind.shape[1]:
            kind = self._side.kind
            alike.append(np.where(there, np.einsum("nk,nmk->nm", kind[items], kind[other]), 0.0))
        columns = []
        for tau in _USER_TAUS:
            near = np.exp(-gap / tau)
            for by, similar in enumerate(alike):
                mean, total = _weighted_mean(near * similar, error)
                columns += [mean, total] if by == 0 or tau == np.inf else [mean]
        value = np.where(there, self._known.value[rows], np.nan)
        last = np.full((len(rows), 3), np.nan)
        last_error = last.copy()
        width = min(3, self._n_events)
        last[:, :width] = value[:, :width]
        last_error[:, :width] = np.where(there, error, np.nan)[:, :width]
        means = [_weighted_mean(there[:, :n].astype(float), error[:, :n])[0] for n in _LAST_MEANS]
        since = np.where(there[:, 0], np.log1p(gap[:, 0]), np.nan)
        return np.column_stack([*columns, last, last_error, *means, since])

    def _of_item(self, rows: Rows, users: Codes, times: Times) -> Array:
        there, gap = rows >= 0, self._gaps(rows, times)
        error = np.where(there, self._error[rows], 0.0)
        similar = np.where(there, self._users[users[:, None], self._known.user[rows]], 0.0)
        near = [np.where(there, np.exp(-gap / tau), 0.0) for tau in _ITEM_TAUS]
        columns = [_weighted_mean(weight, error)[0] for weight in near]
        return np.column_stack([*columns, *_weighted_mean(similar, error)])

    def _gaps(self, rows: Rows, times: Times) -> Array:
        """Return the seconds from events to their targets; 0 where there is no event."""
        assert self._known.timestamp is not None
        gap = times[:, None] - self._known.timestamp[rows]
        return np.where(rows >= 0, gap, 0).astype(float)


def _weighted_mean(weight: Array, error: Array) -> tuple[Array, Array]:
    """Return means over events, drawn to 0 where there is next to no weight, and the weights."""
    total = weight.sum(axis=1)
    return np.einsum("nm,nm->n", weight, error) / (total + _FEW), total


def _cosines(codes: Codes, others: Codes, size: int, n_others: int) -> NDArray[np.float32]:
    """Return of each pair of codes how many they share, over the root of how many each has."""
    count = np.maximum(np.bincount(codes, minlength=size), 1)
    scaled = (1 / np.sqrt(count[codes])).astype(np.float32)
    seen = csr_array((scaled, (codes, others)), shape=(size, n_others))
    found: NDArray[np.float32] = (seen @ seen.T).toarray()
    return found


def _slices(n: int) -> list[slice]:
    return [slice(start, start + _AT_ONCE) for start in range(0, max(n, 1), _AT_ONCE)]
