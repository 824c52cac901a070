"""``precision@n``: how many of a list's places hold a relevant item."""

from qrec.metrics._clustered import mean_over_users
from qrec.metrics._metric import Score
from qrec.metrics.catalogue._lists import ListMetric, Lists


def precision(lists: Lists) -> Score:
    """Return the part of a list's places that hold a relevant item, mean over users.

    A place that stayed empty is a miss (trec_eval's ``P``).
    """
    return mean_over_users(lists.hits.mean(axis=1))


METRIC = ListMetric("prec", precision)
