"""``ndcg@k``: the normalised discounted cumulative gain of a user's ranked test items."""

import numpy as np
from numpy.typing import NDArray

from qrec.errors import DataError
from qrec.metrics._clustered import mean_over_users
from qrec.metrics._metric import Metric, Score
from qrec.metrics._ranking import rank
from qrec.types import AnyCodes, Array


def ndcg(truth: Array, prediction: Array, users: AnyCodes, at: int) -> Score:
    """Return the mean over users of DCG / ideal DCG; all arguments but `at` `(n,)`.

    DCG is the sum over the first `at` of a user's scored items, by prediction, of
    rating / log2(place + 1), places from 1; the ideal one is that of the same items by rating
    (Järvelin and Kekäläinen, ACM TOIS 20, 2002; the gain is linear and ties are averaged, as in
    scikit-learn's ``ndcg_score``). Left out are users with a single scored item, or with none
    rated above 0. The standard error is that of the mean over users. Raises DataError for a
    negative rating, which is no gain.
    """
    if truth.min(initial=0.0) < 0:
        raise DataError(f"a rating is {truth.min():g}: NDCG needs ratings of 0 or more")
    ranking = rank(truth, prediction, users)
    ideal = rank(truth, prediction, users, by=truth)
    gained = ranking.sums(ranking.truth * ranking.over_ties(_discount(ranking.place, at)))
    possible = ideal.sums(ideal.truth * _discount(ideal.place, at))
    some = possible > 0
    return mean_over_users(gained[some] / possible[some])


def _discount(place: NDArray[np.intp], at: int) -> Array:
    return np.asarray((place < at) / np.log2(place + 2.0))


METRIC = Metric("NDCG", ndcg, has_cutoff=True)
