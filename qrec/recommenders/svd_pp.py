"""SVD++: matrix factorisation that also learns from which items a user rated."""

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge

from qrec.data.ratings import Ratings
from qrec.recommenders._factors import FactorRecommender
from qrec.recommenders.base import indicator, rating_matrix
from qrec.recommenders.spaces import Range
from qrec.types import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class SVDpp(FactorRecommender):
    """Predict mean + b_u + c_i + q_i . (p_u + |N(u)|^-1/2 sum_{j in N(u)} y_j).

    N(u) are the items that u rated in training, however: Koren, "Factorization meets the
    neighborhood" (KDD 2008), equation 15. It minimises the squared error of each rating plus
    `reg` (|p_u|^2 + |q_i|^2) + `reg_implicit` |y_i|^2 + `reg_bias` (b_u^2 + c_i^2) of its user and
    item, by Adam on minibatches, in float32; the epoch with the best validation RMSE counts, and
    `patience` epochs without a better one end the training.

    `user_factors_` are the whole in brackets, so that overlap tests read them as any others.
    Fitted: also `own_factors_` p (n_users, n_factors), `implicit_factors_` y (n_items,
    n_factors) and `history_`, the validation RMSE at the start and after each epoch.
    """

    own_factors_: Array
    implicit_factors_: Array
    history_: Array

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1), Range(low=5, high=80, log=True)] = 20,
        reg: Annotated[float, Ge(0), Range(low=0.04, high=0.6, log=True)] = 0.16,
        reg_implicit: Annotated[float, Ge(0)] = 1.0,
        reg_bias: Annotated[float, Ge(0)] = 0.005,
        learning_rate: Annotated[float, Ge(0), Range(low=5e-4, high=8e-3, log=True)] = 0.002,
        n_epochs: Annotated[int, Ge(0)] = 60,
        batch_size: Annotated[int, Ge(1)] = 256,
        patience: Annotated[int, Ge(1)] = 3,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.n_factors = n_factors
        self.reg = reg
        self.reg_implicit = reg_implicit
        self.reg_bias = reg_bias
        self.learning_rate = learning_rate
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.patience = patience
        self.random_state = random_state

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        from qrec.recommenders._svd_pp_training import Penalties, fit_factors
        from qrec.recommenders._training import Schedule, hold_out

        to_fit, to_stop = hold_out(ratings, validation, self.random_state)
        self.mean_ = float(to_fit.value.mean())
        schedule = Schedule(
            self.learning_rate, self.n_epochs, self.batch_size, self.patience, self.random_state
        )
        found, self.history_ = fit_factors(
            to_fit, to_stop, self.mean_, rated_items(to_fit), self.n_factors,
            Penalties(self.reg, self.reg_implicit, self.reg_bias), schedule,
        )  # fmt: skip
        self.own_factors_, self.implicit_factors_ = found["p"], found["y"]
        self.item_factors_ = found["q"]
        self.user_bias_, self.item_bias_ = found["user_bias"], found["item_bias"]
        # All of a user's items, also those held back for stopping, as a prediction may know them.
        self.user_factors_ = self.own_factors_ + rated_items(ratings) @ self.implicit_factors_


def rated_items(ratings: Ratings) -> "csr_array":
    """Return |N(u)|^-1/2 at the items that each user rated, `(n_users, n_items)`."""
    matrix = indicator(rating_matrix(ratings))
    counts = np.diff(matrix.indptr)
    matrix.data /= np.sqrt(np.repeat(counts, counts))
    return matrix
