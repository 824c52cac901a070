"""Minibatch training with Adam and early stopping on the validation loss, most often an RMSE."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qrec.data.ratings import Ratings
from qrec.errors import DataError
from qrec.seeds import child_seed
from qrec.threads import one_thread
from qrec.types import Array, Codes

_HELD_OUT = 0.1  # of the ratings, for early stopping when no validation ratings are given


@dataclass(frozen=True)
class Schedule:
    """How long and in which steps to train."""

    learning_rate: float
    n_epochs: int  # at most
    batch_size: int
    patience: int  # epochs without a better validation loss before training ends
    random_state: int
    max_iter: int | None = None  # steps at most; None is no limit

    def steps_by_epoch(self, n_rows: int) -> list[int]:
        """Return how many minibatches each epoch takes if none is the last before its time."""
        full = -(-n_rows // self.batch_size)
        limit = self.n_epochs * full if self.max_iter is None else self.max_iter
        epochs = (min(full, limit - epoch * full) for epoch in range(self.n_epochs))
        return [n_steps for n_steps in epochs if n_steps > 0]


@one_thread()
def train(
    parameters: Sequence[Tensor],
    loss: Callable[[NDArray[np.int64]], Tensor],
    validation_loss: Callable[[], float],
    n_rows: int,
    schedule: Schedule,
) -> Array:
    """Minimise `loss(rows)` over random minibatches; leave the best epoch in `parameters`.

    The best epoch is the one of the lowest validation loss. Returns the validation loss after
    every epoch, `(n_epochs_run,)`, the untrained model's first.
    """
    optimizer = torch.optim.Adam(parameters, lr=schedule.learning_rate)
    rng = np.random.default_rng(child_seed(schedule.random_state, "batches"))
    history = [validation_loss()]
    best = [p.detach().clone() for p in parameters]
    starts = range(0, n_rows, schedule.batch_size)
    for n_steps in schedule.steps_by_epoch(n_rows):
        order = rng.permutation(n_rows)
        for start in starts[:n_steps]:
            optimizer.zero_grad()
            loss(order[start : start + schedule.batch_size]).backward()
            optimizer.step()
        history.append(validation_loss())
        if history[-1] <= min(history):
            best = [p.detach().clone() for p in parameters]
        elif len(history) - 1 - int(np.argmin(history)) >= schedule.patience:
            break
    with torch.no_grad():
        for parameter, value in zip(parameters, best, strict=True):
            parameter.copy_(value)
    return np.array(history)


def code_tensors(users: Codes, items: Codes) -> tuple[Tensor, Tensor]:
    """Return codes as torch takes them for indices."""
    return torch.from_numpy(users.astype(np.int64)), torch.from_numpy(items.astype(np.int64))


def hold_out(
    ratings: Ratings, validation: Ratings | None, random_state: int
) -> tuple[Ratings, Ratings]:
    """Return what to train on and what to stop on: `validation` if given, else a tenth.

    What is held back leaves every user and item a rating to train on, and what to stop on
    speaks of users and items that are trained.
    """
    if validation is None or len(validation) == 0:
        order = np.random.default_rng(child_seed(random_state, "hold_out")).permutation(
            len(ratings)
        )
        shuffled = ratings[order]
        needed = np.zeros(len(ratings), bool)
        for codes in (shuffled.user, shuffled.item):
            needed[np.unique(codes, return_index=True)[1]] = True
        held = np.flatnonzero(~needed)[: max(1, int(_HELD_OUT * len(ratings)))]
        if len(held) == 0:
            raise DataError(
                "too few ratings to hold any back for early stopping; give `validation`"
            )
        return ratings[np.delete(order, held)], shuffled[held]
    trained = np.isin(validation.user, ratings.user) & np.isin(validation.item, ratings.item)
    if not trained.any():
        raise DataError("validation shares no rated user and item with the training ratings")
    return ratings, validation[trained]
