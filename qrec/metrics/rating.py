"""Errors of predicted ratings.

A prediction of ``nan`` says that the recommender could not score the pair: errors are taken
over the other pairs, and `coverage` says how many those are.

Standard errors are clustered by user. The errors of one user correlate (a user whose mean is
badly known is mispredicted every time), so taking each pair for an independent draw would
promise too much. With s_g the sum over the pairs of user g of the influence of each on the
metric, the variance is G/(G-1) sum_g s_g^2 / n^2 over G users (Liang and Zeger, Biometrika 73,
1986; Cameron and Miller, J. Human Resources 50, 2015, eq. 11-12).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """A metric and its standard error; both ``nan`` where nothing could be scored."""

    value: float
    stderr: float


def rmse(truth: Floats, prediction: Floats, users: NDArray[np.integer]) -> Score:
    """Return the root mean squared error over scored pairs; all arguments `(n,)`.

    The standard error is that of the mean squared error divided by 2 RMSE (delta method).
    """
    error, users = _scored(truth, prediction, users)
    if len(error) == 0:
        return Score(np.nan, np.nan)
    value = float(np.sqrt(np.mean(error**2)))
    return Score(value, clustered_stderr(rmse_influence(error), users))


def mae(truth: Floats, prediction: Floats, users: NDArray[np.integer]) -> Score:
    """Return the mean absolute error over scored pairs; all arguments `(n,)`."""
    error, users = _scored(truth, prediction, users)
    if len(error) == 0:
        return Score(np.nan, np.nan)
    size = np.abs(error)
    return Score(float(size.mean()), clustered_stderr(size - size.mean(), users))


def coverage(prediction: Floats) -> float:
    """Return the part of the pairs that were scored, 0 to 1."""
    return float(np.mean(~np.isnan(prediction)))


def prediction_range(prediction: Floats) -> tuple[float, float]:
    """Return the lowest and the highest prediction, ``nan`` where nothing was scored."""
    known = prediction[~np.isnan(prediction)]
    return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)


def rmse_influence(error: Floats) -> Floats:
    """Return how much each error moves the RMSE of all of them, `(n,)`, to first order."""
    mean_square = np.mean(error**2)
    if mean_square == 0:
        return np.zeros_like(error)
    return np.asarray((error**2 - mean_square) / (2 * np.sqrt(mean_square)))


def clustered_stderr(influence: Floats, users: NDArray[np.integer]) -> float:
    """Return the standard error of the mean of `influence`, clustered by user.

    It is ``nan`` for a single user, whose variation nothing is known about.
    """
    _, cluster = np.unique(users, return_inverse=True)
    sums = np.bincount(cluster, weights=influence)
    if len(sums) < 2:
        return np.nan
    variance = len(sums) / (len(sums) - 1) * np.sum(sums**2) / len(influence) ** 2
    return float(np.sqrt(variance))


def _scored(
    truth: Floats, prediction: Floats, users: NDArray[np.integer]
) -> tuple[Floats, NDArray[np.integer]]:
    known = ~np.isnan(prediction)
    return prediction[known] - truth[known], users[known]
