"""``rmse``: the root mean squared error of predicted ratings."""

import numpy as np

from qrec.metrics._clustered import clustered_stderr, scored_errors
from qrec.metrics._metric import Metric, Score
from qrec.types import AnyCodes, Array


def rmse(truth: Array, prediction: Array, users: AnyCodes) -> Score:
    """Return the root mean squared error over scored pairs; all arguments `(n,)`.

    The standard error is that of the mean squared error divided by 2 RMSE (delta method).
    """
    error, users = scored_errors(truth, prediction, users)
    if len(error) == 0:
        return Score(np.nan, np.nan)
    value = float(np.sqrt(np.mean(error**2)))
    return Score(value, clustered_stderr(rmse_influence(error), users))


def rmse_influence(error: Array) -> Array:
    """Return how much each error moves the RMSE of all of them, `(n,)`, to first order."""
    mean_square = np.mean(error**2)
    if mean_square == 0:
        return np.zeros_like(error)
    return np.asarray((error**2 - mean_square) / (2 * np.sqrt(mean_square)))


METRIC = Metric("RMSE", rmse)
