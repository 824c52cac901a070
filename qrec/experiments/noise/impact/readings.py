"""Predictions from readings, with the variance that a single shot of each would have.

The exact engine gives <O> and <O^2> of what is measured, read-out errors included, at once;
what shots would do to a prediction follows without drawing any.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import hadamard

from qrec.backends.base import Backend
from qrec.backends.workload import Reading, Workload
from qrec.data import Ratings
from qrec.experiments.base import Ask
from qrec.recommenders.quantum import QuantumRecommender
from qrec.types import Array

_STEP = 1e-4  # of a shot's standard deviation, for differences


@dataclass(frozen=True, eq=False)
class Readings:
    """Exact readings, and the variance of one shot of each, in the same shapes."""

    readings: list[Reading]
    variances: list[Array]

    def on_line(self, slope: float, offset: float) -> "Readings":
        """Return them times `slope` plus `offset`."""
        moved = [replace(r, value=slope * r.value + offset) for r in self.readings]
        return Readings(moved, [slope**2 * variance for variance in self.variances])


def ask_with_variance(ask: Ask, backend: Backend, workloads: Sequence[Workload]) -> Readings:
    """Ask a backend of exact values for what is read, and for its square."""
    both = [
        replace(w, observables=[*w.observable_list, *(o.compose(o) for o in w.observable_list)])
        for w in workloads
    ]
    readings, variances = [], []
    for workload, reading in zip(workloads, ask(backend, both), strict=True):
        n = len(workload.observable_list)
        value, square = reading.value[:, :n], reading.value[:, n:]
        variance = np.maximum(square - value**2, 0.0)
        if not workload.is_joint:
            value, variance = value[:, 0], variance[:, 0]
        readings.append(Reading(value, np.zeros_like(value), None))
        variances.append(variance)
    return Readings(readings, variances)


def predictions(model: QuantumRecommender, pairs: Ratings, found: Readings) -> dict[str, Array]:
    """Return `prediction`, `rating`, the same not clipped to the scale, and its `shot_sd`, `(n,)`.

    The last is the standard deviation by a single shot of every reading. It is exact where a
    rating is affine in its readings, and else to first order.
    """
    open_ended = copy(model)
    open_ended.scale_ = (-np.inf, np.inf)
    variance = np.zeros(len(pairs))
    n_known = int(np.isfinite(open_ended.combine(pairs, found.readings)).sum())
    for signs in _signs(found, n_known):
        moves = [_STEP * s * np.sqrt(v) for s, v in zip(signs, found.variances, strict=True)]
        up, down = (
            open_ended.combine(
                pairs,
                [
                    replace(r, value=r.value + way * move)
                    for r, move in zip(found.readings, moves, strict=True)
                ],
            )
            for way in (1, -1)
        )
        variance += ((up - down) / (2 * _STEP)) ** 2
    return {
        "prediction": model.combine(pairs, found.readings),
        "rating": open_ended.combine(pairs, found.readings),
        "shot_sd": np.sqrt(variance / max(1, len(_signs(found, n_known)))),
    }


def _signs(found: Readings, n_known: int) -> list[list[Array]]:
    """Return orthogonal signs of the blocks of readings that each rating has one of.

    A rating of several readings, as one by many posterior samples has, sums over blocks of a
    reading per pair; the mean over all rows of a Hadamard matrix of the squared sum is then the
    sum of the squares, without error.
    """
    blocks = [max(1, len(v) // n_known) if n_known and len(v) % n_known == 0 else 1
              for v in found.variances]  # fmt: skip
    if not blocks:
        return []
    rows = hadamard(1 << (sum(blocks) - 1).bit_length())
    starts = np.cumsum([0, *blocks])
    return [
        [
            _spread(row[start : start + n].astype(float), variance)
            for start, n, variance in zip(starts, blocks, found.variances, strict=False)
        ]
        for row in rows
    ]


def _spread(signs: Array, like: Array) -> Array:
    """Return a sign for each row of `like`, block by block."""
    by_row = np.repeat(signs, len(like) // len(signs))
    return by_row.reshape(-1, *[1] * (like.ndim - 1))
