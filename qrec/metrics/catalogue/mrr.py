"""``mrr@n``: how far down a list its first relevant item stands."""

import numpy as np

from qrec.metrics._clustered import mean_over_users
from qrec.metrics._metric import Score
from qrec.metrics.catalogue._lists import ListMetric, Lists


def mrr(lists: Lists) -> Score:
    """Return the mean over users of 1 / place of the first relevant item, 0 where there is none.

    The mean reciprocal rank (Voorhees, TREC-8, 1999; trec_eval's ``recip_rank`` of the list).
    """
    place = np.argmax(lists.hits, axis=1) + 1
    return mean_over_users(lists.hits.any(axis=1) / place)


METRIC = ListMetric("MRR", mrr)
