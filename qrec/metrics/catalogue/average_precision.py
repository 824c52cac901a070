"""``average_precision@n``: precision at each relevant item of a list; its mean is MAP."""

import numpy as np

from qrec.metrics._clustered import mean_over_users
from qrec.metrics._metric import Score
from qrec.metrics.catalogue._lists import ListMetric, Lists


def average_precision(lists: Lists) -> Score:
    """Return the sum of the precisions at a list's relevant items over all relevant ones.

    Mean over users (trec_eval's ``map_cut``, which divides by all relevant items as well).
    """
    precision = lists.hits.cumsum(axis=1) / np.arange(1, lists.items.shape[1] + 1)
    return mean_over_users((lists.hits * precision).sum(axis=1) / lists.n_relevant)


METRIC = ListMetric("MAP", average_precision)
