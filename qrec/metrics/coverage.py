"""``coverage``: how many pairs could be scored; and how far the predictions of those reach."""

import numpy as np

from qrec.metrics._clustered import mean_over_pairs
from qrec.metrics._metric import Metric, Score
from qrec.types import AnyCodes, Array


def coverage(truth: Array, prediction: Array, users: AnyCodes) -> Score:  # noqa: ARG001
    """Return the part of the pairs that were scored, 0 to 1; all arguments `(n,)`."""
    return mean_over_pairs((~np.isnan(prediction)).astype(float), users)


def prediction_range(prediction: Array) -> tuple[float, float]:
    """Return the lowest and the highest prediction, ``nan`` where nothing was scored."""
    known = prediction[~np.isnan(prediction)]
    return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)


METRIC = Metric("cover", coverage, "{:.3f}")
