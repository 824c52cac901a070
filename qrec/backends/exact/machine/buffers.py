"""Memory that kernels on a batch write to in turn.

An array of some hundred kilobytes that is asked for anew in every kernel costs more in page
faults than the kernel itself.
"""

import threading
from math import prod

import torch
from torch import Tensor

_SMALL = 2**14  # numbers; the system's allocator keeps arrays of this size at hand


class Buffers(threading.local):
    """Two arrays per thread; where gradients are recorded, nothing may be overwritten."""

    def __init__(self) -> None:
        self._pair: list[Tensor] = []

    def beside(self, used: Tensor, shape: tuple[int, ...]) -> Tensor | None:
        """Return memory of `shape` and the kind of `used`, apart from it; None with gradients.

        `used` starts where the memory given last starts, or lies elsewhere.

        The answer fits torch's ``out=``. What it held two calls ago is lost.
        """
        n = prod(shape)
        if n < _SMALL or torch.is_grad_enabled():
            return None
        if not self._pair or self._pair[0].numel() < n or not _alike(self._pair[0], used):
            self._pair = [used.new_empty(n), used.new_empty(n)]
        first, second = self._pair
        free = second if used.data_ptr() == first.data_ptr() else first
        return free[:n].view(shape)


def _alike(one: Tensor, other: Tensor) -> bool:
    return (one.dtype, one.device) == (other.dtype, other.device)
