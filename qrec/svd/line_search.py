"""The line search of More and Thuente, for many problems side by side.

More, Thuente, "Line search algorithms with guaranteed sufficient decrease", ACM Transactions
on Mathematical Software 20, 286 (1994), as MINPACK-2's ``dcsrch`` has it and scipy's BFGS uses
it: one evaluation of value and slope at a time, so that all problems can share theirs.
"""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from qrec.svd.ansatz import Real

_DECREASE, _CURVATURE, _TOLERANCE = 1e-4, 0.9, 1e-14  # scipy's c1, c2 and xtol
_SHORTEST, _LONGEST = 1e-100, 1e100
Flags = NDArray[np.bool_]


@dataclass
class Point:
    """A step length, and the function's value and slope there; all `(n,)`."""

    step: Real
    value: Real
    slope: Real

    def where(self, mask: Flags, other: "Point") -> "Point":
        """Return this point where `mask` holds and `other` elsewhere."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Point(*(np.where(mask, mine, theirs) for mine, theirs in pairs))

    def tilted(self, slope: Real) -> "Point":
        """Return the point of the function minus `slope` times the step."""
        return Point(self.step, self.value - self.step * slope, self.slope - slope)


@dataclass
class LineSearch:
    """Searches under way, one per problem: evaluate at `trial`, tell `advance`, repeat."""

    trial: Real  # (n,) the step to evaluate next
    start: Point
    best: Point
    other: Point  # the other end of the interval, once `bracketed`
    lowest: Real
    highest: Real
    width: Real
    last_width: Real
    bracketed: Flags
    second_stage: Flags

    @classmethod
    def begin(cls, step: Real, value: Real, slope: Real) -> Self:
        """Begin where the functions have `value` and `slope`, with `step` as a first guess."""
        start = [Point(0 * step, value.copy(), slope.copy()) for _ in range(3)]
        no = np.zeros(len(step), bool)
        width = np.full(len(step), _LONGEST)
        return cls(
            step.copy(), *start, 0 * step, 5 * step, width, 2 * width, no, no.copy()
        )  # copies: `put` writes into these arrays

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Return the searches of some problems."""
        return replace(self, **{f.name: _take(getattr(self, f.name), rows) for f in fields(self)})

    def put(self, rows: NDArray[np.intp], searches: "LineSearch") -> None:
        """Replace the searches of some problems."""
        for f in fields(self):
            _put(getattr(self, f.name), rows, getattr(searches, f.name))

    def advance(self, value: Real, slope: Real) -> tuple[Flags, Flags]:
        """Take the value and the slope at `trial`; return which have ended, which in vain.

        For those that go on, `trial` is the next step to evaluate; for those that found a
        step, the step found.
        """
        point = Point(self.trial, value, slope)
        target = _DECREASE * self.start.slope
        line = self.start.value + self.trial * target
        self.second_stage = self.second_stage | ((value <= line) & (slope >= 0))
        found = (value <= line) & (np.abs(slope) <= -_CURVATURE * self.start.slope)
        failed = ~found & (self._is_stuck() | ~np.isfinite(value))
        before = self.trial
        # Until a lower value has been seen, the search is for one below the line.
        tilt = np.where(~self.second_stage & (value <= self.best.value) & (value > line), target, 0)
        self._step(point.tilted(tilt), tilt)
        self._narrow()
        self.trial = np.where(found | failed, before, self.trial)
        return found | failed, failed

    def _is_stuck(self) -> Flags:
        outside = (self.trial <= self.lowest) | (self.trial >= self.highest)
        return self.bracketed & (outside | self._is_narrow())

    def _is_narrow(self) -> Flags:
        return self.highest - self.lowest <= _TOLERANCE * self.highest

    def _step(self, point: Point, tilt: Real) -> None:
        """Choose the next trial and update the interval, for functions less `tilt`."""
        best, other = self.best.tilted(tilt), self.other.tilted(tilt)
        higher = point.value > best.value
        opposite = ~higher & (np.sign(point.slope) * np.sign(best.slope) < 0)
        with np.errstate(all="ignore"):
            self.trial = _next_step(
                best, other, point, higher, opposite, self.bracketed, (self.lowest, self.highest)
            )
        other = point.where(higher, best.where(opposite, other))
        best = best.where(higher, point)
        self.best, self.other = best.tilted(-tilt), other.tilted(-tilt)
        self.bracketed = self.bracketed | higher | opposite

    def _narrow(self) -> None:
        best, other = self.best.step, self.other.step
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


def _next_step(
    best: Point,
    other: Point,
    point: Point,
    higher: Flags,
    opposite: Flags,
    bracketed: Flags,
    limits: tuple[Real, Real],
) -> Real:
    """Return the safeguarded step of section 4 of the paper, by its four cases."""
    step, far = point.step, np.where(point.step > best.step, limits[1], limits[0])
    # 1. The value is higher: a minimum lies in between.
    cubic, _ = _cubic(best, point)
    quadratic_slope = (best.value - point.value) / (step - best.step) + best.slope
    quadratic = best.step + best.slope / quadratic_slope / 2 * (step - best.step)
    nearer = np.abs(cubic - best.step) <= np.abs(quadratic - best.step)
    first = np.where(nearer, cubic, cubic + (quadratic - cubic) / 2)
    # 2. The value is lower and the slope has turned: again a minimum in between.
    cubic, ahead = _cubic(point, best)
    secant = step + point.slope / (point.slope - best.slope) * (best.step - step)
    farther = np.abs(cubic - step) > np.abs(secant - step)
    second = np.where(farther, cubic, secant)
    # 3. The slope is smaller but has not turned: go on, as far as the cubic can be trusted.
    cubic = np.where(ahead, cubic, far)
    farther = np.abs(cubic - step) > np.abs(secant - step)
    bound = step + 0.66 * (other.step - step)
    inner = np.where(np.abs(cubic - step) < np.abs(secant - step), cubic, secant)
    inner = np.where(step > best.step, np.minimum(bound, inner), np.maximum(bound, inner))
    outer = np.clip(np.where(farther, cubic, secant), *limits)
    third = np.where(bracketed, inner, outer)
    # 4. The slope is not even smaller.
    fourth = np.where(bracketed, _cubic(point, other)[0], far)
    smaller = np.abs(point.slope) < np.abs(best.slope)
    return np.select([higher, opposite, smaller], [first, second, third], fourth)


def _cubic(a: Point, b: Point) -> tuple[Real, Flags]:
    """Return the minimum of the cubic through two points, and whether it lies beyond a."""
    length = b.step - a.step
    theta = 3 * (a.value - b.value) / length + a.slope + b.slope
    size = np.maximum(np.abs(theta), np.maximum(np.abs(a.slope), np.abs(b.slope)))
    square = (theta / size) ** 2 - (a.slope / size) * (b.slope / size)
    gamma = np.sign(length) * size * np.sqrt(np.maximum(square, 0))
    share = (gamma - a.slope + theta) / (2 * gamma - a.slope + b.slope)
    return a.step + share * length, (share < 0) & (gamma != 0)


def _take(value: Real | Point, rows: NDArray[np.intp]) -> Real | Point:
    if isinstance(value, Point):
        return Point(*(getattr(value, f.name)[rows] for f in fields(value)))
    return value[rows]


def _put(target: Real | Point, rows: NDArray[np.intp], value: Real | Point) -> None:
    if isinstance(target, Point):
        for f in fields(target):
            getattr(target, f.name)[rows] = getattr(value, f.name)
    else:
        target[rows] = value
