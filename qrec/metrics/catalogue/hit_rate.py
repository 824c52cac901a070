"""``hit_rate@n``: how many lists hold a relevant item at all."""

from qrec.metrics._clustered import mean_over_users
from qrec.metrics._metric import Score
from qrec.metrics.catalogue._lists import ListMetric, Lists


def hit_rate(lists: Lists) -> Score:
    """Return the part of the users whose list holds a relevant item (trec_eval's ``success``)."""
    return mean_over_users(lists.hits.any(axis=1).astype(float))


METRIC = ListMetric("hits", hit_rate, "{:.3f}")
