"""Memory that steps on a batch write to in turn.

An array of some hundred kilobytes that is asked for anew in every step costs more in page
faults than the step itself.
"""

import threading

import torch
from torch import Tensor


class Buffers(threading.local):
    """Two arrays per thread; where gradients are recorded, nothing may be overwritten."""

    def __init__(self) -> None:
        self._pair: list[Tensor] = []

    def beside(self, used: Tensor, shape: tuple[int, ...]) -> Tensor | None:
        """Return memory of `shape` and the kind of `used`, apart from it; None with gradients.

        The answer fits torch's ``out=``. What it held two calls ago is lost.
        """
        if torch.is_grad_enabled():
            return None
        n = torch.Size(shape).numel()
        if not self._pair or self._pair[0].numel() < n or self._pair[0].dtype != used.dtype:
            self._pair = [used.new_empty(n), used.new_empty(n)]
        taken = used.untyped_storage().data_ptr()
        free = next(b for b in self._pair if b.untyped_storage().data_ptr() != taken)
        return free[:n].view(shape)
