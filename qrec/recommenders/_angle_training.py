"""Training an angle net through the exact engine's gradient."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qrec.backends.exact.expectation import Expectation
from qrec.data.ratings import Ratings
from qrec.recommenders._training import Schedule, train

Weights = dict[str, NDArray[np.float64]]


def fit_angles(
    expectation: Expectation,
    weights: Weights,
    trainable: tuple[str, ...],
    ratings: Ratings,
    validation: Ratings,
    reg: float,
    schedule: Schedule,
) -> tuple[Weights, NDArray[np.float64]]:
    """Minimise mean squared error + reg (angles^2 + biases^2 of each rating's user and item).

    `expectation` is a function of ``theta``, ``u`` and ``v``. `weights` holds the start:
    ``theta`` (n_theta,), ``u`` (n_users, n_factors), ``v`` (n_items, n_factors), ``user_bias``
    (n_users,), ``item_bias`` (n_items,), ``mean`` and ``gain`` (). Only those named in
    `trainable` change. Returns the weights of the best epoch and the validation RMSE after
    every epoch.
    """
    tensors = {name: torch.tensor(w, dtype=torch.float32) for name, w in weights.items()}
    for name in trainable:
        tensors[name].requires_grad_()
    training, held_out = _columns(ratings), _columns(validation)

    def rate(users: Tensor, items: Tensor) -> Tensor:
        angles = {"u": tensors["u"][users], "v": tensors["v"][items], "theta": tensors["theta"]}
        value = expectation(angles)
        bias = tensors["user_bias"][users] + tensors["item_bias"][items]
        return tensors["mean"] + bias + tensors["gain"] * value

    def loss(rows: NDArray[np.int64]) -> Tensor:
        users, items, target = (column[rows] for column in training)
        squares = sum(
            (tensors[name][codes] ** 2).reshape(len(rows), -1).sum(1)
            for name, codes in (("u", users), ("v", items), ("user_bias", users),
                                ("item_bias", items))
            if name in trainable
        )  # fmt: skip
        return ((rate(users, items) - target) ** 2 + reg * squares).mean()

    def validation_rmse() -> float:
        users, items, target = held_out
        with torch.no_grad():
            predicted = rate(users, items).clamp(*ratings.scale)
        return float(((predicted - target) ** 2).mean().sqrt())

    history = train(
        [tensors[name] for name in trainable], loss, validation_rmse, len(ratings), schedule
    )
    return {name: t.detach().numpy().astype(float) for name, t in tensors.items()}, history


def _columns(ratings: Ratings) -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.from_numpy(ratings.user.astype(np.int64)),
        torch.from_numpy(ratings.item.astype(np.int64)),
        torch.from_numpy(ratings.value.astype(np.float32)),
    )
