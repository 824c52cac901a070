"""Item nearest neighbours."""

from qrec.data.ratings import Ratings
from qrec.recommenders._neighbours import NeighbourRecommender
from qrec.recommenders.base import rating_matrix


class ItemKNN(NeighbourRecommender):
    """Predict r_ui = bias_ui + sum_j s_ij e_uj / sum_j s_ij over the items j nearest to i.

    The neighbours are the `n_neighbors` items rated by u whose residuals e of `UserItemBias`
    correlate most with i's, correlations s being shrunk by `shrinkage` common raters; those
    at or below zero are left out, and with none left the bias alone is the prediction. Koren,
    "Factor in the neighbors" (ACM TKDD 4, 2010), section 2.2.

    Fitting takes the memory of dense `(n_items, n_items)` matrices.
    """

    compares = "items"

    def _fold_in(self, ratings: Ratings) -> None:
        self.bias_ = self.bias_.fold_in(ratings)
        rows = rating_matrix(ratings, self.bias_.residual(ratings))
        self.residual_, self.columns_, self.indptr_ = rows.data, rows.indices, rows.indptr
