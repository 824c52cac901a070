"""What rows say, with intervals: users are drawn again, and every figure with them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from qrec.metrics.bootstrap import Interval, UserBootstrap
from qrec.types import AnyCodes, Array

_LEVELS = (0.025, 0.975)
SHOTS = 2.0 ** np.arange(0, 40.5, 0.5)  # among which a wanted error is looked for


class Resampled:
    """RMSE of predictions of the same pairs, `(1 + n_resamples,)`, the given users first."""

    def __init__(self, truth: Array, users: AnyCodes, seed: int) -> None:
        self.truth = truth
        self._bootstrap = UserBootstrap([users], random_state=seed)

    def rmse(self, prediction: Array) -> Array:
        """Return the RMSE of predictions `(n,)`."""
        return self.root(np.square(prediction - self.truth))

    def root(self, squared_error: Array) -> Array:
        """Return the root of the mean of expected squared errors `(n,)`."""
        return self._bootstrap.rmse([np.sqrt(squared_error)])[:, 0]

    def difference(self, a: Array, b: Array) -> Interval:
        """Return `a` minus `b`, as `rmse` gave them, with its 95 % interval."""
        return self._bootstrap.difference(a[:, None], b[:, None])


@dataclass(frozen=True)
class Bounds:
    """A figure and its 95 % interval by resampling; infinite where it lies beyond what was tried.

    ``nan`` where too few users speak.
    """

    value: float
    low: float
    high: float


def bounds(values: Array) -> Bounds:
    """Return the first of `values` between the quantiles of the others, which may be infinite."""
    if len(values) == 1:
        return Bounds(float(values[0]), np.nan, np.nan)
    low, high = np.quantile(values[1:], _LEVELS, method="inverted_cdf")
    return Bounds(float(values[0]), float(low), float(high))


def first_above(x: Array, curves: Array) -> Array:
    """Return where each curve `(m, n)` over ascending `x` `(n,)` first rises above 0, `(m,)`.

    Between the places tried it is a straight line; x[0] where it is above 0 there, infinity
    where it nowhere is.
    """
    above = curves > 0
    place = np.argmax(above, axis=1)
    row = np.arange(len(curves))
    before = np.maximum(place - 1, 0)
    after_y, before_y = curves[row, place], curves[row, before]
    apart = np.where(place > 0, after_y - before_y, 1.0)
    found = x[before] + np.where(place > 0, -before_y / apart, 0.0) * (x[place] - x[before])
    return np.where(above.any(axis=1), found, np.inf)


def squared_error(rating: Array, sd: Array, truth: Array, scale: tuple[float, float]) -> Array:
    """Return the expected squared error `(n,)` of normal ratings clipped to `scale`.

    With Y = clip(X), X normal with mean `rating` and standard deviation `sd`, all `(n,)`, it is
    E (Y - truth)^2, in closed form.
    """
    sd, bias = np.maximum(sd, 1e-12), rating - truth
    low, high = ((end - rating) / sd for end in scale)
    within = ndtr(high) - ndtr(low)
    phi_low, phi_high = (np.exp(-0.5 * end**2) / np.sqrt(2 * np.pi) for end in (low, high))
    inside = bias**2 * within + 2 * bias * sd * (phi_low - phi_high)
    inside += sd**2 * (within + low * phi_low - high * phi_high)
    outside = (scale[0] - truth) ** 2 * ndtr(low) + (scale[1] - truth) ** 2 * ndtr(-high)
    return np.asarray(np.maximum(inside + outside, 0.0))  # rounding must not make it negative


def shots_needed(sampled: Resampled, rating: Array, sd: Array, scale: tuple[float, float],
                 wanted: float) -> Bounds:  # fmt: skip
    """Return the shots at which the RMSE is `wanted` above that of infinitely many.

    `sd` is that of a rating by one shot. Among `SHOTS` the excess is taken as a power of their
    number, as it is where it is small: 1/shots.
    """
    truth = sampled.truth
    limit = sampled.rmse(np.clip(rating, *scale))
    excess = np.column_stack([
        sampled.root(squared_error(rating, sd / np.sqrt(n), truth, scale)) - limit for n in SHOTS
    ])  # fmt: skip
    logs = np.log(np.maximum(excess, 1e-300) / wanted)
    found = np.exp2(first_above(np.log2(SHOTS), -logs))
    return bounds(found)
