"""What one core of this machine can do: memory bandwidth and matrix products."""

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time
from typing import ClassVar

import numpy as np
import torch

from qrec.experiments.speed.race import one_core
from qrec.types import Row

_CHUNK = 2**21  # bytes of states that the engine works on at once


@dataclass(frozen=True, kw_only=True)
class RateRow(Row):
    """What one core does: `rate` in `unit`, billions per second."""

    KEY: ClassVar[tuple[str, ...]] = ("what",)
    VALUES: ClassVar[tuple[str, ...]] = ("rate",)

    what: str
    rate: float
    unit: str


def measure(quick: bool, rounds: int) -> list[RateRow]:
    """Return a row per rate, the median of `rounds`; bytes are those read and those written."""
    large = 2**20 if quick else 2**28  # bytes of an array, far beyond any cache
    side = 64 if quick else 2048
    rows = []
    with one_core():
        for name, size in (("memory", large), ("cache", _CHUNK // 2)):
            a, b, c = (torch.rand(size // 4) for _ in range(3))
            copy = _rate(lambda a=a, b=b: a.copy_(b), 2 * size, rounds)  # type: ignore[misc]
            triad = _rate(
                lambda a=a, b=b, c=c: torch.add(b, c, alpha=3.0, out=a),  # type: ignore[misc]
                3 * size,
                rounds,
            )
            rows += [_row(f"copy, {name}", copy, "GB/s"), _row(f"triad, {name}", triad, "GB/s")]
        for bits in (32, 64):
            kind = getattr(torch, f"float{bits}")
            x, y = (torch.rand(side, side, dtype=kind) for _ in range(2))
            out = torch.empty_like(x)
            rate = _rate(lambda: torch.mm(x, y, out=out), 2 * side**3, rounds)  # noqa: B023
            rows.append(_row(f"GEMM, 2048 x 2048, float{bits}", rate, "Gflop/s"))
            wide = _CHUNK // (bits // 8) // 256
            blocks = torch.rand(1, 16, 16, dtype=kind).expand(16, -1, -1)
            states, turned = (torch.rand(16, 16, wide, dtype=kind) for _ in range(2))
            rate = _rate(
                lambda: torch.bmm(blocks, states, out=turned),  # noqa: B023
                2 * 16**3 * wide,
                rounds,
            )
            rows.append(_row(f"GEMM, 16 x 16 blocks, float{bits}", rate, "Gflop/s"))
            rate = _rate(lambda: torch.sin(states, out=turned), states.numel(), rounds)  # noqa: B023
            rows.append(_row(f"sine, float{bits}", rate, "G/s"))
    return rows


def _rate(call: Callable[[], object], work: float, rounds: int) -> float:
    """Return work per second, from repeats that take long enough to be timed."""
    call()
    begun = process_time()
    call()
    repeats = max(1, int(0.01 / (process_time() - begun)))
    seconds = []
    for _ in range(rounds):
        begun = process_time()
        for _ in range(repeats):
            call()
        seconds.append((process_time() - begun) / repeats)
    return work / float(np.median(seconds))


def _row(what: str, rate: float, unit: str) -> RateRow:
    return RateRow(what=what, rate=rate / 1e9, unit=unit)
