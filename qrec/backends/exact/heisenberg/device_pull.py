"""The pull on a CUDA device: the plan of `pull.Pull` in torch, so that nothing waits for the host.

On the host the same blocks take less time in numpy, whose calls cost less.
"""

from functools import reduce
from itertools import count

import torch
from torch import Tensor
from torch.nn.functional import pad

from qrec.backends.exact.heisenberg.pull import Pull
from qrec.backends.exact.machine.constants import constant


def device_pull(pull: Pull, angles: Tensor) -> Tensor:
    """Return the table's numbers `(n_codes,)` at shared `angles`, with gradients."""
    flat = constant(pull.start, angles)
    for placed, matrix in zip(pull.blocks, _matrices(pull, angles), strict=True):
        rows = pad(flat, (0, 1)).index_select(0, constant(placed.source, angles))
        if placed.sign is not None:
            rows = rows * constant(placed.sign, angles)
        flat = (rows.reshape(placed.shape) @ matrix).reshape(-1)
    return constant(pull.sign, angles) * flat.index_select(0, constant(pull.terms, angles))


def _matrices(pull: Pull, angles: Tensor) -> list[Tensor]:
    """Return the matrix of every block; all that turn are worked out together."""
    turned: dict[int, Tensor] = {}
    for stack in pull.matrices.stacks:
        angle = angles.index_select(0, constant(stack.angle, angles))[:, None, None]
        cos, sin = constant(stack.cos, angles), constant(stack.sin, angles)
        matrices = constant(stack.still, angles) + torch.cos(angle) * cos + torch.sin(angle) * sin
        turned |= zip(stack.places, matrices.unbind(), strict=True)
    place = count()
    return [
        reduce(
            torch.matmul,
            [
                constant(part.still, angles) if part.angle < 0 else turned[next(place)]
                for part in placed.block.parts
            ],
        )
        for placed in pull.blocks
    ]
