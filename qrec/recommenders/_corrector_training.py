"""The training of a corrector's net, and what it predicts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import huber_loss

from qrec.recommenders._corrector_inputs import Inputs, Loss, Past
from qrec.recommenders._corrector_net import read
from qrec.recommenders._training import Schedule, train
from qrec.types import Array

# Of differences between prediction and rating, in stars.
LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "mse": lambda difference: (difference**2).mean(),
    "mae": lambda difference: difference.abs().mean(),
    "huber": lambda difference: huber_loss(difference, torch.zeros_like(difference)),
}
_STEPS_AT_ONCE = 2**13  # bounds the memory of a prediction


@dataclass(frozen=True)
class Part:
    """Targets whose ratings are known: for training, or for stopping."""

    inputs: Inputs
    offset: Array  # (n,) to which the net's output is added
    value: Array  # (n,) ratings


def fit(
    net: nn.Module, fitted: Part, stopping: Part, pasts: tuple[Past | None, Past | None],
    loss: Loss, scale: tuple[float, float], schedule: Schedule,
) -> tuple[dict[str, Array], Array]:  # fmt: skip
    """Train `net` to give rating - offset; return its weights and the validation errors.

    Those are root mean squared errors, for the losses "mae" and "huber" the mean loss. `pasts`
    are the events of what it is trained on and of what it is stopped on.
    """
    wanted = torch.from_numpy((fitted.value - fitted.offset).astype(np.float32))

    def loss_of(rows: NDArray[np.int64]) -> Tensor:
        predicted = net(read(fitted.inputs[rows], pasts[0], torch.float32))
        return LOSSES[loss](predicted - wanted[torch.from_numpy(rows)])

    def validation_error() -> float:
        predicted = stopping.offset + outputs(net, stopping.inputs, pasts[1])
        net.train()
        error = np.clip(predicted, *scale) - stopping.value
        if loss == "mse":
            return float(np.sqrt(np.mean(error**2)))
        return float(LOSSES[loss](torch.from_numpy(error)))

    with torch.random.fork_rng():
        torch.manual_seed(schedule.random_state)  # of the dropout
        history = train(list(net.parameters()), loss_of, validation_error, len(wanted), schedule)
    weights = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    return weights, history


def restore(net: nn.Module, weights: dict[str, Array]) -> nn.Module:
    """Put trained weights into a net of the same shape, in float64.

    In float32 a prediction would depend, in its last digits, on what is predicted beside it.
    """
    net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    return net.double()


def outputs(net: nn.Module, inputs: Inputs, past: Past | None) -> Array:
    """Return what the net gives for each target, `(n,)`, without dropout."""
    net.eval()
    dtype = next(net.parameters()).dtype
    n_steps = 1 if inputs.events is None else inputs.events.shape[1] + 1
    size = max(1, _STEPS_AT_ONCE // n_steps)
    blocks = (inputs[start : start + size] for start in range(0, len(inputs), size))
    with torch.inference_mode():
        found = [net(read(block, past, dtype)).numpy() for block in blocks]
    return np.concatenate(found).astype(float)
