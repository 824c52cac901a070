"""What a corrector reads of a target: its base's prediction and its user's earlier ratings."""

from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qrec.data.history import History, Rows, Times
from qrec.data.ratings import Ratings
from qrec.types import Array, Codes

Cell = Literal["lstm", "gru", "transformer"]
Target = Literal["error", "rating"]
Loss = Literal["mse", "mae", "huber"]

N_NUMBERS = 3  # of a step in a sequence: base prediction, residual, log time gap
_LOG_SECONDS = 10.0  # logs of seconds are divided by it: of 20 years it leaves 2


@dataclass(frozen=True)
class Past:
    """Training ratings that are events of histories, and what one base or several say of them."""

    item: Codes  # (n_events,)
    time: Times  # (n_events,)
    base: Array  # (n_bases, n_events) predictions
    residual: Array  # (n_bases, n_events) rating - prediction


@dataclass(frozen=True)
class Inputs:
    """Targets and, where sequences are read, the events before each: rows of a `Past`."""

    user: Codes  # (n,)
    item: Codes  # (n,)
    base: Array  # (n,) predictions
    time: Times | None = None  # (n,)
    events: Rows | None = None  # (n, sequence_length), newest first, -1 for none
    of_base: Rows | None = None  # (n,) the base of `Past` that each goes by

    def __len__(self) -> int:
        return len(self.user)

    def __getitem__(self, rows: NDArray[np.integer] | NDArray[np.bool_] | slice) -> "Inputs":
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{k: v[rows] for k, v in columns.items() if v is not None})


def events_before(
    known: Ratings, usable: NDArray[np.bool_], users: Codes, times: Times, size: int
) -> Rows:
    """Return the last `size` of the `usable` among `known` ratings before each time: their rows.

    Newest first, -1 where there are no more; `(n, size)`.
    """
    rows = np.flatnonzero(usable)
    return np.append(rows, -1)[History(known[rows]).of_users(users, times, size)]


def sequences(inputs: Inputs, past: Past) -> tuple[Rows, Array, Rows]:
    """Return items `(n, n_steps)`, numbers `(n, n_steps, N_NUMBERS)` and lengths `(n,)`.

    Oldest event first, then the target, whose residual and time gap are 0, then padding.
    """
    assert inputs.events is not None
    assert inputs.time is not None
    assert inputs.of_base is not None
    n, most = inputs.events.shape
    count = (inputs.events >= 0).sum(axis=1)
    items, numbers = np.zeros((n, most + 1), np.int64), np.zeros((n, most + 1, N_NUMBERS))
    row, newer = np.nonzero(inputs.events >= 0)
    event, base = inputs.events[row, newer], inputs.of_base[row]
    gap = inputs.time[row] - past.time[event]
    at = row, count[row] - 1 - newer
    items[at] = past.item[event]
    log_gap = np.log1p(gap) / _LOG_SECONDS
    numbers[at] = np.column_stack([past.base[base, event], past.residual[base, event], log_gap])
    target = np.arange(n), count
    items[target], numbers[*target, 0] = inputs.item, inputs.base
    return items, numbers, count + 1
