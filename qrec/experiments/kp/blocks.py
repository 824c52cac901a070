"""Blocks of a data set's ratings, which the circuits of the experiments encode."""

from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from qrec.config import ExperimentSpec
from qrec.data import Ratings
from qrec.data.dataset import find_dataset
from qrec.errors import DataError
from qrec.experiments.labels import Label
from qrec.experiments.observed import NAMED
from qrec.recommenders.base import rating_matrix
from qrec.types import AnyCodes, Array

Side = Literal[2, 4, 8, 16, 32, 64]


class BlockSpec(ExperimentSpec):
    """A data set, of which nothing is held out, and backends.

    Users and items are in the order of their numbers of ratings; a block begins at place `first`.
    """

    dataset: Annotated[dict[str, Any], NAMED]
    backends: list[Label] = Field(default_factory=list)
    first: Annotated[int, Field(ge=0)] = 40

    @model_validator(mode="after")
    def _check_dataset(self) -> Self:
        find_dataset(str(self.dataset.get("name")), " (in dataset.name)")
        return self

    def with_backends(self, names: list[str]) -> Self:
        """Return the same experiment on other backends."""
        return self.model_copy(update={"backends": names})


def rating_block(ratings: Ratings, first: int, n_users: int, n_items: int) -> Array:
    """Return ratings `(n_users, n_items)`, zeros where there is none.

    Raises DataError where there are fewer users or items from place `first` on, or no rating.
    """
    users = _places(ratings.user, ratings.n_users, first, n_users)
    items = _places(ratings.item, ratings.n_items, first, n_items)
    block: Array = rating_matrix(ratings)[users][:, items].toarray()
    if not block.any():
        raise DataError(f"first {first}: no rating in the block of {n_users} x {n_items} there")
    return block


def _places(codes: AnyCodes, size: int, first: int, side: int) -> AnyCodes:
    counts = np.bincount(codes, minlength=size)
    chosen = np.argsort(-counts, kind="stable")[first : first + side]
    if len(chosen) < side:
        raise DataError(f"first {first}: expected {side} users and items from there on")
    return chosen
