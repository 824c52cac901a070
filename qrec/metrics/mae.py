"""``mae``: the mean absolute error of predicted ratings."""

import numpy as np

from qrec.metrics._clustered import mean_over_pairs, scored_errors
from qrec.metrics._metric import Metric, Score
from qrec.types import AnyCodes, Array


def mae(truth: Array, prediction: Array, users: AnyCodes) -> Score:
    """Return the mean absolute error over scored pairs; all arguments `(n,)`."""
    error, users = scored_errors(truth, prediction, users)
    return mean_over_pairs(np.abs(error), users)


METRIC = Metric("MAE", mae)
