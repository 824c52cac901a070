"""Named random seeds: the same name gives the same numbers, whatever else runs beside it."""

from hashlib import blake2b
from numbers import Integral
from typing import Any

import numpy as np

from qrec.errors import ConfigError


def child_seed(seed: int, *names: str | int) -> int:
    """Return the 32-bit seed of the task called `names` in a run whose seed is `seed`.

    Unlike `SeedSequence.spawn`, the answer depends on the name alone and not on how many
    children were asked for before, so adding a task to a run leaves the others unchanged.
    Raises ConfigError for a seed that is none.
    """
    check_seed(seed)
    name = "/".join(str(part) for part in names)
    key = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
    sequence = np.random.SeedSequence(seed, spawn_key=(key >> 32, key & 0xFFFFFFFF))
    return int(sequence.generate_state(1, np.uint32)[0])


def check_seed(seed: Any) -> None:
    """Raise ConfigError unless `seed` is an integer, 0 or more."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ConfigError(f"seed: found {seed!r}, expected an integer, 0 or more")
