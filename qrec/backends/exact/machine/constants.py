"""Arrays of a plan as tensors, brought to a device once."""

import weakref
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_kept: dict[int, dict[tuple[torch.dtype, torch.device], Tensor]] = {}


def constant(array: NDArray[Any], like: Tensor) -> Tensor:
    """Return an array that never changes as a tensor on the device of `like`.

    Whole numbers stay what they are; others take the kind of `like`, without their imaginary
    parts where that is real. The tensor is made once and kept for as long as the array lives.
    """
    numbers = array if like.is_complex() or array.dtype.kind != "c" else array.real
    shared = torch.from_numpy(np.ascontiguousarray(numbers))
    dtype = shared.dtype if array.dtype.kind == "i" else like.dtype
    if (shared.dtype, shared.device) == (dtype, like.device) and numbers is array:
        return shared  # the array's own memory: to keep it would keep the array
    key = dtype, like.device
    if id(array) not in _kept:
        _kept[id(array)] = {}
        weakref.finalize(array, _kept.pop, id(array), None)
    kept = _kept[id(array)]
    if key not in kept:
        with torch.inference_mode(False):  # whoever comes next may want gradients
            kept[key] = shared.to(like.device, dtype, copy=True)
    return kept[key]
