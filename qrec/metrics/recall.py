"""``recall@k``: how many of a user's relevant test items stand among the first."""

from qrec.metrics._clustered import mean_over_users
from qrec.metrics._metric import Metric, Score
from qrec.metrics._ranking import hits
from qrec.types import AnyCodes, Array


def recall(truth: Array, prediction: Array, users: AnyCodes, at: int) -> Score:
    """Return the share of a user's relevant items among the first `at`, mean over users.

    Items are the user's scored test items by prediction; rated 4 or more, one is relevant. All
    arguments but `at` `(n,)`. Users with a single scored item or without a relevant one are left
    out. The standard error is that of the mean over users (Herlocker et al., ACM TOIS 22, 2004,
    section 4.2, on rated items). Raises DataError for ratings above 5.
    """
    found, relevant, _ = hits(truth, prediction, users, at)
    some = relevant > 0
    return mean_over_users(found[some] / relevant[some])


METRIC = Metric("recall", recall, has_cutoff=True)
