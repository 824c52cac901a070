"""Training of SVD++ by minibatches, the implicit part through a sparse product."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from qrec.data.ratings import Ratings
from qrec.recommenders._training import Schedule, code_tensors, train
from qrec.seeds import child_seed
from qrec.types import Array

_START = 0.05  # standard deviation of the untrained factors


@dataclass(frozen=True)
class Penalties:
    """What a rating adds to the loss by the squares of its user's and item's parameters."""

    factors: float
    implicit: float
    biases: float


def fit_factors(
    ratings: Ratings,
    validation: Ratings,
    mean: float,
    rated: csr_array,
    n_factors: int,
    reg: Penalties,
    schedule: Schedule,
) -> tuple[Mapping[str, Array], Array]:
    """Return p, q, y, user_bias and item_bias of the best epoch, and the validation RMSEs.

    `rated` `(n_users, n_items)` holds what the y of an item counts in a user's sum.
    """
    rng = np.random.default_rng(child_seed(schedule.random_state, "start"))
    shapes = {
        "p": (ratings.n_users, n_factors),
        "q": (ratings.n_items, n_factors),
        "y": (ratings.n_items, n_factors),
    }
    tensors = {
        name: torch.tensor(rng.normal(scale=_START, size=shape), dtype=torch.float32)
        for name, shape in shapes.items()
    }
    tensors["user_bias"] = torch.zeros(ratings.n_users)
    tensors["item_bias"] = torch.zeros(ratings.n_items)
    for tensor in tensors.values():
        tensor.requires_grad_()
    matrix = rated.astype(np.float32)
    backward = matrix.T.tocsr()
    training, held_out = _columns(ratings, mean), _columns(validation, mean)

    def whole() -> Tensor:
        implicit: Tensor = _Product.apply(  # type: ignore[no-untyped-call]
            tensors["y"], matrix, backward
        )
        return tensors["p"] + implicit

    def predicted(users: Tensor, items: Tensor) -> Tensor:
        dot = (whole()[users] * tensors["q"][items]).sum(1)
        return tensors["user_bias"][users] + tensors["item_bias"][items] + dot

    def loss(rows: NDArray[np.int64]) -> Tensor:
        users, items, target = (column[rows] for column in training)
        squares = reg.factors * (tensors["p"][users] ** 2 + tensors["q"][items] ** 2).sum(1)
        squares = squares + reg.implicit * (tensors["y"][items] ** 2).sum(1)
        biases = tensors["user_bias"][users] ** 2 + tensors["item_bias"][items] ** 2
        error = predicted(users, items) - target
        return (error**2 + squares + reg.biases * biases).mean()

    def validation_rmse() -> float:
        users, items, target = held_out
        low, high = (end - mean for end in ratings.scale)
        with torch.no_grad():
            error = predicted(users, items).clamp(low, high) - target
        return float((error**2).mean().sqrt())

    history = train(list(tensors.values()), loss, validation_rmse, len(ratings), schedule)
    return {name: t.detach().numpy().astype(float) for name, t in tensors.items()}, history


class _Product(torch.autograd.Function):
    """A constant sparse matrix times a tensor; torch's own warns that it is in beta."""

    @staticmethod
    def forward(ctx: Any, dense: Tensor, matrix: csr_array, backward: csr_array) -> Tensor:
        ctx.by = backward
        return torch.from_numpy(matrix @ dense.detach().numpy())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return torch.from_numpy(ctx.by @ gradients[0].contiguous().numpy()), None, None


def _columns(ratings: Ratings, mean: float) -> tuple[Tensor, Tensor, Tensor]:
    value = torch.from_numpy((ratings.value - mean).astype(np.float32))
    return *code_tensors(ratings.user, ratings.item), value
