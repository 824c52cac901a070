"""``gini@n``: how unevenly recommendations fall on the items of the catalogue."""

import numpy as np

from qrec.metrics._metric import Score
from qrec.metrics.catalogue._lists import ListMetric, Lists


def gini(lists: Lists) -> Score:
    """Return the Gini coefficient of how often each item of the catalogue is recommended.

    0 where all are recommended equally often, near 1 where all lists are the same few items
    (Fleder and Hosanagar, Management Science 55, 2009). With x_(1) <= ... <= x_(m) the numbers
    of times it is sum (2 r - m - 1) x_(r) / (m sum x). The standard error follows from its
    derivative in each user's list.
    """
    times, m = lists.times.astype(float), len(lists.times)
    total = times.sum()
    if total == 0:
        return Score(np.nan, np.nan)
    order = np.argsort(times, kind="stable")
    weight = np.empty(m)  # that of each item's times; equal ones share theirs
    weight[order] = (2 * np.arange(1, m + 1) - m - 1) / m
    _, tie = np.unique(times, return_inverse=True)
    weight = (np.bincount(tie, weight) / np.bincount(tie))[tie]
    value = float(weight @ times / total)
    influence = lists.sums((weight - value) / total)
    n = len(influence)
    stderr = float(np.sqrt(n / (n - 1) * np.sum(influence**2))) if n > 1 else np.nan
    return Score(value, stderr)


METRIC = ListMetric("Gini", gini, "{:.3f}")
