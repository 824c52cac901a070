"""BPR: matrix factorisation that learns to order items."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge

from qrec.data.ratings import Ratings
from qrec.recommenders._factors import FactorRecommender
from qrec.recommenders._roles import Roles
from qrec.seeds import child_seed
from qrec.types import Array

if TYPE_CHECKING:
    from torch import Tensor

_START = 0.3  # standard deviation of the untrained factors, as of a circuit's angles


class BPR(FactorRecommender):
    """Order items by c_i + p_u . q_i, trained so that rated items stand before others.

    For each rating `n_negatives` items that the user has not rated are drawn; the loss is -log of
    the softmax share of the rated one plus `reg` times the squares of the factors and biases:
    with one negative the Bayesian personalised ranking of Rendle et al. (UAI 2009, section 4.1),
    with more a sampled softmax. Training is that of `CircuitRecommender` with ``loss="ranking"``,
    with a dot product in the circuit's place: its classical control.

    It only orders items, so `predict` gives ``nan``. `history_` is the validation loss at the
    start and after each epoch.
    """

    history_: Array

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1)] = 4,
        n_negatives: Annotated[int, Ge(1)] = 1,
        reg: Annotated[float, Ge(0)] = 0.005,
        learning_rate: Annotated[float, Ge(0)] = 0.02,
        n_epochs: Annotated[int, Ge(0)] = 20,
        batch_size: Annotated[int, Ge(1)] = 1024,
        patience: Annotated[int, Ge(1)] = 3,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_negatives = n_negatives
        self.reg = reg
        self.learning_rate = learning_rate
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.patience = patience
        self.random_state = random_state

    def rates(self) -> bool:
        return False

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        from qrec.recommenders._angle_training import fit_angles
        from qrec.recommenders._training import Schedule, hold_out

        to_fit, to_stop = hold_out(ratings, validation, self.random_state)
        rng = np.random.default_rng(child_seed(self.random_state, "start"))
        start = {
            "u": rng.normal(scale=_START, size=(ratings.n_users, self.n_factors)),
            "v": rng.normal(scale=_START, size=(ratings.n_items, self.n_factors)),
            "user_bias": np.zeros(ratings.n_users),
            "item_bias": np.zeros(ratings.n_items),
            "mean": np.zeros(()),
            "gain": np.ones(()),
        }
        schedule = Schedule(
            self.learning_rate, self.n_epochs, self.batch_size, self.patience, self.random_state
        )
        found, self.history_ = fit_angles(
            _dot, Roles("u", "v", None), start, ("u", "v", "item_bias"), to_fit, to_stop,
            self.reg, schedule, self.n_negatives,
        )  # fmt: skip
        self.mean_, self.user_bias_ = 0.0, found["user_bias"]
        self.item_bias_ = found["item_bias"]
        self.user_factors_, self.item_factors_ = found["u"], found["v"]


def _dot(vectors: Mapping[str, "Tensor"]) -> "Tensor":
    return (vectors["u"] * vectors["v"]).sum(1)
