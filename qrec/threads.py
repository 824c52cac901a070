"""One thread for what must give the same numbers on every machine.

A sum that is split among threads is rounded in another order, and in the last bit another
number comes out. Trainings make large differences of it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, BLAS and torch; afterwards on as many as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _controller().limit(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


def thread_state() -> dict[str, int | str | None]:
    """Return how many threads there may be, as the environment and the libraries say."""
    import torch

    said: dict[str, int | str | None] = {name: os.environ.get(name) for name in VARIABLES}
    pools = {f"{lib['internal_api']}": int(lib["num_threads"]) for lib in _controller().info()}
    return said | pools | {"torch": torch.get_num_threads(), "cores": os.cpu_count()}


@cache
def _controller() -> ThreadpoolController:
    """Find the libraries once: it takes milliseconds. numpy, scipy and torch are loaded then."""
    import scipy.linalg  # noqa: F401  # has a BLAS of its own
    import sklearn.utils  # noqa: F401  # and an OpenMP

    return ThreadpoolController()
