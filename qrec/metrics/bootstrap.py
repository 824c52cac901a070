"""Intervals of RMSE and its differences by drawing users again, over several seeds too."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qrec.types import AnyCodes, Array

_LEVELS = (0.025, 0.975)
_FEWEST_USERS = 10  # of fewer, drawing again tells nothing


@dataclass(frozen=True)
class Interval:
    """A difference and the 95 % interval around it; ``nan`` where too few users speak."""

    value: float
    low: float
    high: float


class UserBootstrap:
    """Resamples of users, and of seeds, on which any number of predictions are compared.

    `users` are the codes of the pairs of each seed, `(n_s,)`. A resample draws as many users as
    there are with replacement, all pairs of one staying together, and as many seeds: users are
    the same people under every seed. That is the pigeonhole bootstrap (Owen, Annals of Applied
    Statistics 1, 2007, section 3); its intervals speak of other users and, as far as a few seeds
    can tell, of other splits and chains. With one seed it is the cluster bootstrap of users.
    Rows compared with one another are drawn alike, so that differences are paired.
    """

    def __init__(
        self, users: Sequence[AnyCodes], *, n_resamples: int = 2000, random_state: int = 0
    ) -> None:
        draw = np.random.default_rng(random_state)
        known, codes = np.unique(np.concatenate(users), return_inverse=True)
        self._codes = np.split(codes, np.cumsum([len(each) for each in users])[:-1])
        self._known = min(len(np.unique(each)) for each in users) >= _FEWEST_USERS
        n_resamples = n_resamples if self._known else 0
        even = np.full(len(known), 1 / len(known))
        drawn = draw.multinomial(len(known), even, n_resamples).astype(float)
        # The first line stands for the users and seeds as they are.
        self._users = np.vstack([np.ones(len(known)), drawn])
        seeds = draw.multinomial(len(users), np.full(len(users), 1 / len(users)), n_resamples)
        self._seeds = np.vstack([np.ones(len(users)), seeds]) / len(users)
        self._counts = [self._drawn(place, np.ones(len(each))) for place, each in enumerate(users)]

    def rmse(self, errors: Sequence[Array]) -> Array:
        """Return the RMSE by resample and seed, `(1 + n_resamples, n_seeds)`, the given first.

        `errors` are those of the pairs of each seed, `(n_s,)`.
        """
        means = [
            self._drawn(place, error**2) / count
            for place, (error, count) in enumerate(zip(errors, self._counts, strict=True))
        ]
        return np.sqrt(np.column_stack(means))

    def difference(self, a: Array, b: Array) -> Interval:
        """Return the mean over seeds of the RMSE of `a` minus that of `b`, as `rmse` gave them."""
        found = np.sum((a - b) * self._seeds, axis=1)
        if not self._known:
            return Interval(float(found[0]), np.nan, np.nan)
        low, high = np.quantile(found[1:], _LEVELS)
        return Interval(float(found[0]), float(low), float(high))

    def _drawn(self, place: int, values: Array) -> Array:
        """Return the sum of a value per pair of one seed, in every resample."""
        sums = np.bincount(self._codes[place], values, self._users.shape[1])
        out: Array = self._users @ sums
        return out
