"""``ndcg@n``: the normalised discounted cumulative gain of a list, relevant or not."""

import numpy as np

from qrec.metrics._clustered import mean_over_users
from qrec.metrics._metric import Score
from qrec.metrics.catalogue._lists import ListMetric, Lists


def ndcg(lists: Lists) -> Score:
    """Return the mean over users of DCG / ideal DCG.

    DCG is the sum over the relevant items of a list of 1 / log2(place + 1), places from 1; the
    ideal list of as many places has the relevant items first (Järvelin and Kekäläinen, ACM TOIS
    20, 2002; trec_eval's ``ndcg_cut``).
    """
    n = lists.items.shape[1]
    discount = 1 / np.log2(np.arange(2, n + 2))
    possible = np.cumsum(discount)[np.minimum(lists.n_relevant, n) - 1]
    return mean_over_users(lists.hits @ discount / possible)


METRIC = ListMetric("nDCG", ndcg)
