"""Many rows in pieces that stay in a core's cache, one Python thread per core."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qrec.backends.exact.machine.memory import check_memory

# Of a chunk's states. Smaller ones stay in an L2 cache of 1 MiB, but then the calls themselves
# cost more than the memory: half of this is 15 % slower, a quarter 30 %.
_BYTES_AT_ONCE = {"cpu": 2**21, "cuda": 2**28}
_MOST = {"cpu": 8192, "cuda": 2**22}  # rows at once; above that the overhead of a call is gone


def chunk_size(numbers_per_row: int, dtype: torch.dtype, device: str) -> int:
    """Return how many rows are evaluated at once."""
    check_memory(4.0 * numbers_per_row * dtype.itemsize, "one row's numbers", device)
    rows = _BYTES_AT_ONCE[device] // max(1, numbers_per_row * dtype.itemsize)
    return min(_MOST[device], max(1, rows))


def in_chunks(
    function: Callable[[Tensor], Tensor],
    rows: NDArray[np.float64],
    dtype: torch.dtype,
    size: int,
    device: str,
) -> NDArray[np.float64]:
    """Return function(rows) for rows `(n_rows, n_row_parameters)`, without gradients.

    `function` takes rows `(n_row_parameters, n)` and returns `(n,)` or `(n_values, n)`; the
    answer is `(n_rows,)` or `(n_rows, n_values)`.

    Uses as many threads as torch is set to, each on chunks of its own: a chunk is too small
    for torch to divide. A CUDA device divides by itself.
    """
    starts = range(0, len(rows), size)

    def work(start: int) -> NDArray[np.float64]:
        chunk = torch.from_numpy(rows[start : start + size]).to(device, dtype).T.contiguous()
        with torch.inference_mode():
            return function(chunk).cpu().numpy().T.astype(float)

    n_threads = min(torch.get_num_threads(), len(starts)) if device == "cpu" else 1
    if n_threads <= 1:
        return np.concatenate([work(start) for start in starts] or [np.empty(0)])
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(n_threads) as pool:
            return np.concatenate(list(pool.map(work, starts)))
    finally:
        torch.set_num_threads(before)
