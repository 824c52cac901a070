"""One thread for what must give the same numbers on every machine.

A sum that is split among threads is rounded in another order, and in the last bit another
number comes out. Trainings make large differences of it.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_info, threadpool_limits

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


@contextmanager
def one_thread() -> Iterator[None]:
    """Run linear algebra, and torch where it is loaded, on one thread while this is open.

    What is loaded inside is not seen: code that imports torch opens it again.
    """
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    with threadpool_limits(limits=1):
        try:
            if torch:
                torch.set_num_threads(1)
            yield
        finally:
            if torch:
                torch.set_num_threads(before)


def thread_state() -> dict[str, int | str | None]:
    """Return how many threads there may be, as the environment and the loaded libraries say."""
    said: dict[str, int | str | None] = {name: os.environ.get(name) for name in VARIABLES}
    pools = {str(pool["internal_api"]): int(pool["num_threads"]) for pool in threadpool_info()}
    return said | pools | {"cores": os.cpu_count()}
