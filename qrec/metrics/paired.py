"""Whether two recommenders differ on the same pairs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qrec.metrics.rating import Floats, clustered_stderr, rmse_influence

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


def rmse_difference(truth: Floats, a: Floats, b: Floats, users: NDArray[np.integer]) -> Difference:
    """Compare predictions `a` and `b` of the same `truth`; all arguments `(n,)`.

    Both err on the same hard pairs, so the standard error is that of the paired difference,
    clustered by user as in `qrec.metrics.rating`: far smaller than the two rows' own errors
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
