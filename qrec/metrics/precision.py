"""``precision@k``: how many of a user's first test items are relevant."""

from qrec.metrics._clustered import mean_over_users
from qrec.metrics._metric import Metric, Score
from qrec.metrics._ranking import hits
from qrec.types import AnyCodes, Array


def precision(truth: Array, prediction: Array, users: AnyCodes, at: int) -> Score:
    """Return the share of relevant ones among a user's first `at` items, mean over users.

    Items are the user's scored test items by prediction, all of them where there are fewer than
    `at`; rated 4 or more, one is relevant. All arguments but `at` `(n,)`. Users with a single
    scored item are left out. The standard error is that of the mean over users (Herlocker et
    al., ACM TOIS 22, 2004, section 4.2, on rated items). Raises DataError for ratings above 5.
    """
    found, _, first = hits(truth, prediction, users, at)
    return mean_over_users(found / first)


METRIC = Metric("prec", precision, has_cutoff=True)
