"""``recall@n``: how many of a user's relevant items are in the list."""

from qrec.metrics._clustered import mean_over_users
from qrec.metrics._metric import Score
from qrec.metrics.catalogue._lists import ListMetric, Lists


def recall(lists: Lists) -> Score:
    """Return the part of a user's relevant items that is in the list, mean over users.

    All relevant items count below the line, also where they are more than the list has places
    (trec_eval's ``recall``).
    """
    return mean_over_users(lists.hits.sum(axis=1) / lists.n_relevant)


METRIC = ListMetric("recall", recall)
