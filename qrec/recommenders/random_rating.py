"""Ratings drawn at random: what an input that says nothing looks like."""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from scipy.special import ndtri

from qrec.data.ratings import Ratings
from qrec.recommenders.base import Recommender
from qrec.types import Array, Codes


class RandomRating(Recommender):
    """Predict a draw from the normal distribution with mean and sd of the training ratings.

    The draw belongs to the pair: asked again, alone or among others, it is the same. As the
    ``NormalPredictor`` of Surprise (Hug, JOSS 5, 2020); a control, in the place of an input that
    is believed to help.
    """

    needs = ()

    def __init__(self, random_state: Annotated[int, Ge(0)] = 0) -> None:
        self.random_state = random_state

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self.mean_, self.sd_ = float(ratings.value.mean()), float(ratings.value.std())

    def _predict(self, users: Codes, items: Codes) -> Array:
        key = _mixed(np.full(1, self.random_state, np.uint64))
        mixed = _mixed(_mixed(users.astype(np.uint64) + key) + items.astype(np.uint64))
        uniform = ((mixed >> np.uint64(11)) + 0.5) * 2.0**-53
        out: Array = self.mean_ + self.sd_ * ndtri(uniform)
        return out


def _mixed(
    x: np.ndarray[tuple[int], np.dtype[np.uint64]],
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, figure 17)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))
