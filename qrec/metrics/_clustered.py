"""Standard errors that respect that the pairs of one user belong together.

The errors of one user correlate (a user whose mean is badly known is mispredicted every time),
so taking each pair for an independent draw would promise too much. With s_g the sum over the
pairs of user g of the influence of each on the metric, the variance is
G/(G-1) sum_g s_g^2 / n^2 over G users (Liang and Zeger, Biometrika 73, 1986; Cameron and Miller,
J. Human Resources 50, 2015, eq. 11-12).
"""

import numpy as np

from qrec.metrics._metric import Score
from qrec.types import AnyCodes, Array


def clustered_stderr(influence: Array, users: AnyCodes) -> float:
    """Return the standard error of the mean of `influence`, clustered by user.

    It is ``nan`` for a single user, whose variation nothing is known about.
    """
    _, cluster = np.unique(users, return_inverse=True)
    sums = np.bincount(cluster, weights=influence)
    if len(sums) < 2:
        return np.nan
    variance = len(sums) / (len(sums) - 1) * np.sum(sums**2) / len(influence) ** 2
    return float(np.sqrt(variance))


def mean_over_pairs(values: Array, users: AnyCodes) -> Score:
    """Return the mean of a value per pair, `(n,)`; ``nan`` where there is none."""
    if len(values) == 0:
        return Score(np.nan, np.nan)
    mean = values.mean()
    return Score(float(mean), clustered_stderr(values - mean, users))


def mean_over_users(values: Array) -> Score:
    """Return the mean of a value per user, `(n_users,)`; ``nan`` where there is none."""
    return mean_over_pairs(values, np.arange(len(values)))


def scored_errors(truth: Array, prediction: Array, users: AnyCodes) -> tuple[Array, AnyCodes]:
    """Return the errors of the pairs that were scored, and their users."""
    known = ~np.isnan(prediction)
    return prediction[known] - truth[known], users[known]
