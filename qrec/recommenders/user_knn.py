"""User nearest neighbours."""

from qrec.recommenders._neighbours import NeighbourRecommender


class UserKNN(NeighbourRecommender):
    """Predict r_ui = bias_ui + sum_v s_uv e_vi / sum_v s_uv over the users v nearest to u.

    The neighbours are the `n_neighbors` raters of i whose residuals e of `UserItemBias`
    correlate most with u's, correlations s being shrunk by `shrinkage` common items; those
    at or below zero are left out, and with none left the bias alone is the prediction.
    Herlocker et al., "An algorithmic framework for performing collaborative filtering" (SIGIR
    1999), with the biases of Koren (2010) in the place of the user's mean.

    Fitting takes the memory of dense `(n_users, n_users)` matrices.
    """

    compares = "users"
