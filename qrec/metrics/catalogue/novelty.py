"""``novelty@n``: how little known the recommended items are."""

import numpy as np

from qrec.metrics._clustered import mean_over_users
from qrec.metrics._metric import Score
from qrec.metrics.catalogue._lists import ListMetric, Lists


def novelty(lists: Lists) -> Score:
    """Return the mean self-information -log2 p of the recommended items, in bits.

    p is the part of the training users that rated an item; one that nobody rated counts as if
    half a user had. Mean over users with a recommendation of the mean over their list (Vargas and
    Castells, RecSys 2011, MSI of Zhou et al., PNAS 107, 2010).
    """
    bits = -np.log2(np.maximum(lists.raters, 0.5) / lists.n_training_users)
    given = (lists.items >= 0).sum(axis=1)
    some = given > 0
    return mean_over_users(lists.sums(bits)[some] / given[some])


METRIC = ListMetric("novelty", novelty, "{:.2f}")
