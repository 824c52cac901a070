"""The line search of More and Thuente, for many problems side by side.

More, Thuente, "Line search algorithms with guaranteed sufficient decrease", ACM Transactions
on Mathematical Software 20, 286 (1994), as MINPACK-2's ``dcsrch`` has it and scipy's BFGS uses
it: one evaluation of value and slope at a time, so that all problems can share theirs.

A point here is an array `(3, n)`: the steps, and the functions' values and slopes there.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from qrec.types import Array

_DECREASE, _CURVATURE, _TOLERANCE = 1e-4, 0.9, 1e-14  # scipy's c1, c2 and xtol
_SHORTEST, _LONGEST = 1e-100, 1e100
MOST_TRIALS = 100  # scipy's maxiter: a search that takes more is in vain
Flags = NDArray[np.bool_]


@dataclass
class LineSearch:
    """Searches under way, one per problem: evaluate at `trial`, tell `advance`, repeat."""

    trial: Array  # (n,) the step to evaluate next
    start: Array  # point
    best: Array  # point
    other: Array  # point, the other end of the interval once `bracketed`
    lowest: Array  # (n,) and so are all below
    highest: Array
    width: Array
    last_width: Array
    bracketed: Flags
    second_stage: Flags
    trials: NDArray[np.int64]

    @classmethod
    def begin(cls, step: Array, value: Array, slope: Array) -> Self:
        """Begin where the functions have `value` and `slope`, with `step` as a first guess."""
        start = np.stack([0 * step, value, slope])
        width = np.full(len(step), _LONGEST)
        no = np.zeros(len(step), bool)
        fields: tuple[Any, ...] = (step, start, start, start, 0 * step, 5 * step)
        fields += (width, 2 * width, no, no, np.zeros(len(step), np.int64))
        return cls(*(field.copy() for field in fields))  # since `put` writes into them

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Return the searches of some problems."""
        return type(self)(*(field[..., rows] for field in self._fields()))

    def put(self, rows: NDArray[np.intp], searches: "LineSearch") -> None:
        """Replace the searches of some problems."""
        for mine, theirs in zip(self._fields(), searches._fields(), strict=True):
            mine[..., rows] = theirs

    def advance(self, value: Array, slope: Array) -> tuple[Flags, Flags]:
        """Take the value and the slope at `trial`; return which have ended, which in vain.

        For those that go on, `trial` is then the next step to evaluate.
        """
        start_value, start_slope = self.start[1:]
        target = _DECREASE * start_slope
        line = start_value + self.trial * target
        low = value <= line
        self.second_stage |= low & (slope >= 0)
        found = low & (np.abs(slope) <= -_CURVATURE * start_slope)
        self.trials += 1
        in_vain = self._is_stuck() | ~np.isfinite(value) | (self.trials >= MOST_TRIALS)
        failed = ~found & in_vain
        # Until a value below the line has been seen, the search is for one.
        tilt = np.where(~self.second_stage & (value <= self.best[1]) & ~low, target, 0.0)
        self._step(np.stack([self.trial, value, slope]), tilt)
        self._narrow()
        return found | failed, failed

    def _fields(self) -> tuple[NDArray[Any], ...]:
        return tuple(vars(self).values())

    def _is_stuck(self) -> Flags:
        outside = (self.trial <= self.lowest) | (self.trial >= self.highest)
        narrow = self.highest - self.lowest <= _TOLERANCE * self.highest
        return np.asarray(self.bracketed & (outside | narrow))

    def _step(self, point: Array, tilt: Array) -> None:
        """Choose the next trial and update the interval, for the functions less `tilt`."""
        point, best, other = (_tilted(p, tilt) for p in (point, self.best, self.other))
        higher = point[1] > best[1]
        turned = ~higher & (np.sign(point[2]) * np.sign(best[2]) < 0)
        limits = self.lowest, self.highest
        with np.errstate(all="ignore"):  # the cases that do not apply are computed as well
            self.trial = _next_step(best, other, point, higher, turned, self.bracketed, limits)
        self.other = _tilted(np.where(higher, point, np.where(turned, best, other)), -tilt)
        self.best = _tilted(np.where(higher, best, point), -tilt)
        self.bracketed = self.bracketed | higher | turned

    def _narrow(self) -> None:
        """Bisect where the interval shrinks too slowly, and set the limits of the next step."""
        best, other = self.best[0], self.other[0]
        gap, inside = np.abs(other - best), self.bracketed
        slow = inside & (gap >= 0.66 * self.last_width)
        trial = np.where(slow, best + 0.5 * (other - best), self.trial)
        self.last_width = np.where(inside, self.width, self.last_width)
        self.width = np.where(inside, gap, self.width)
        ahead = trial - best
        self.lowest = np.where(inside, np.minimum(best, other), trial + 1.1 * ahead)
        self.highest = np.where(inside, np.maximum(best, other), trial + 4 * ahead)
        self.trial = np.clip(trial, _SHORTEST, _LONGEST)
        self.trial = np.where(self._is_stuck(), best, self.trial)


def _tilted(point: Array, tilt: Array) -> Array:
    step, value, slope = point
    return np.stack([step, value - step * tilt, slope - tilt])


def _next_step(
    best: Array,
    other: Array,
    point: Array,
    higher: Flags,
    turned: Flags,
    bracketed: Flags,
    limits: tuple[Array, Array],
) -> Array:
    """Return the safeguarded step of section 4 of the paper, by its four cases."""
    base, step = best[0], point[0]
    limit = np.where(step > base, limits[1], limits[0])
    # 1. The value is higher: a minimum lies in between.
    cubic, _ = _cubic(best, point)
    chord = (best[1] - point[1]) / (step - base)
    quadratic = base + best[2] / (chord + best[2]) / 2 * (step - base)
    nearer = np.abs(cubic - base) <= np.abs(quadratic - base)
    first = np.where(nearer, cubic, cubic + (quadratic - cubic) / 2)
    # 2. The value is lower and the slope has turned: again a minimum in between.
    cubic, ahead = _cubic(point, best)
    secant = step + point[2] / (point[2] - best[2]) * (base - step)
    second = np.where(np.abs(cubic - step) > np.abs(secant - step), cubic, secant)
    # 3. The slope is smaller but has not turned: go on, as far as the cubic can be trusted.
    cubic = np.where(ahead, cubic, limit)
    longer = np.abs(cubic - step) > np.abs(secant - step)
    shorter = np.abs(cubic - step) < np.abs(secant - step)
    bound = step + 0.66 * (other[0] - step)
    inner = np.where(shorter, cubic, secant)
    inner = np.where(step > base, np.minimum(bound, inner), np.maximum(bound, inner))
    third = np.where(bracketed, inner, np.clip(np.where(longer, cubic, secant), *limits))
    # 4. The slope is not even smaller.
    fourth = np.where(bracketed, _cubic(point, other)[0], limit)
    smaller = np.abs(point[2]) < np.abs(best[2])
    return np.select([higher, turned, smaller], [first, second, third], fourth)


def _cubic(a: Array, b: Array) -> tuple[Array, Flags]:
    """Return the minimum of the cubic through two points, and whether it lies before a."""
    length = b[0] - a[0]
    theta = 3 * (a[1] - b[1]) / length + a[2] + b[2]
    size = np.maximum(np.abs(theta), np.maximum(np.abs(a[2]), np.abs(b[2])))
    square = (theta / size) ** 2 - (a[2] / size) * (b[2] / size)
    gamma = np.sign(length) * size * np.sqrt(np.maximum(square, 0))
    share = (gamma - a[2] + theta) / (2 * gamma - a[2] + b[2])
    return a[0] + share * length, (share < 0) & (gamma != 0)
