"""Whether two recommenders differ on the same pairs."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from qrec.metrics._clustered import clustered_stderr
from qrec.metrics.rmse import rmse_influence
from qrec.types import AnyCodes, Array

_NORMAL_975 = 1.959964


@dataclass(frozen=True)
class Difference:
    """RMSE of `a` minus RMSE of `b` on the `n` pairs that both score.

    `low` and `high` bound a 95 % interval (normal approximation). Everything but `n` is
    ``nan`` where no pair is scored by both.
    """

    n: int
    rmse_a: float
    rmse_b: float
    value: float
    stderr: float

    @property
    def low(self) -> float:
        return self.value - _NORMAL_975 * self.stderr

    @property
    def high(self) -> float:
        return self.value + _NORMAL_975 * self.stderr


@dataclass(frozen=True, eq=False)
class SeededDifference:
    """RMSE of `a` minus RMSE of `b`, once per seed, on the same pairs.

    `low` and `high` bound a 95 % interval of the mean over seeds for other users and other
    seeds: variances of both are added, Student's t with n_seeds - 1 degrees of freedom.
    """

    values: Array  # (n_seeds,)
    user_stderr: float  # of the mean over seeds, clustered by user

    @property
    def value(self) -> float:
        return float(self.values.mean())

    @property
    def seed_sd(self) -> float:
        return float(self.values.std(ddof=1))

    @property
    def stderr(self) -> float:
        return float(np.hypot(self.user_stderr, self.seed_sd / np.sqrt(len(self.values))))

    @property
    def low(self) -> float:
        return self.value - self._reach()

    @property
    def high(self) -> float:
        return self.value + self._reach()

    def _reach(self) -> float:
        return float(stdtrit(len(self.values) - 1, 0.975)) * self.stderr


def seeded_rmse_difference(truth: Array, a: Array, b: Array, users: AnyCodes) -> SeededDifference:
    """Compare predictions `(n_seeds, n)` of the same `truth` `(n,)`, at least two seeds each.

    Row s of `a` and of `b` belong together. All pairs must be scored.
    """
    error_a, error_b = a - truth, b - truth
    values = np.sqrt(np.mean(error_a**2, axis=1)) - np.sqrt(np.mean(error_b**2, axis=1))
    influence = np.mean(
        [rmse_influence(x) - rmse_influence(y) for x, y in zip(error_a, error_b, strict=True)],
        axis=0,
    )
    return SeededDifference(values, clustered_stderr(influence, users))


def rmse_difference(truth: Array, a: Array, b: Array, users: AnyCodes) -> Difference:
    """Compare predictions `a` and `b` of the same `truth`; all arguments `(n,)`.

    Both err on the same hard pairs, so the standard error is that of the paired difference,
    clustered by user as in `qrec.metrics`: far smaller than the two rows' own errors
    suggest.
    """
    both = ~np.isnan(a) & ~np.isnan(b)
    n = int(both.sum())
    if n == 0:
        return Difference(0, np.nan, np.nan, np.nan, np.nan)
    error_a, error_b = a[both] - truth[both], b[both] - truth[both]
    rmse_a, rmse_b = (float(np.sqrt(np.mean(error**2))) for error in (error_a, error_b))
    influence = rmse_influence(error_a) - rmse_influence(error_b)
    return Difference(n, rmse_a, rmse_b, rmse_a - rmse_b, clustered_stderr(influence, users[both]))
