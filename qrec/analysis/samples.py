"""Predictions of one row of one repeat, with what was noted beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qrec.errors import ConfigError
from qrec.types import Array, Codes

_COLUMNS = {"user": "i", "item": "i", "truth": "f", "prediction": "f"}  # kinds of number


@dataclass(frozen=True, eq=False)
class Sample:
    """The predictions of a finished step, `(n,)` each, and what was noted beside them."""

    user: Codes
    item: Codes
    truth: Array
    prediction: Array  # nan where the recommender could not score
    notes: dict[str, Any]


def sample_of(arrays: Mapping[str, NDArray[Any]], notes: dict[str, Any], where: str) -> Sample:
    """Return stored predictions as a sample; `where` says in an error what holds them.

    Raises ConfigError where an array is missing, is too many, or is not what a sample has.
    """
    if set(arrays) != set(_COLUMNS):
        raise ConfigError(f"{where}: found arrays {sorted(arrays)}, expected {sorted(_COLUMNS)}")
    n = arrays["truth"].size
    for name, kind in _COLUMNS.items():
        found = arrays[name]
        if found.dtype.kind != kind or found.shape != (n,):
            expected = "whole numbers" if kind == "i" else "numbers"
            raise ConfigError(
                f"{where}: {name}: found {found.dtype} of shape {found.shape}, expected {n} "
                f"{expected}, as many as truths"
            )
        if kind == "i" and n and found.min() < 0:
            raise ConfigError(f"{where}: {name}: found code {found.min()}, expected 0 or more")
    if not np.isfinite(arrays["truth"]).all() or np.isinf(arrays["prediction"]).any():
        raise ConfigError(f"{where}: expected finite truths and predictions")
    return Sample(**dict(arrays), notes=notes)


def row_key(sample: Sample) -> tuple[str, str | None]:
    """Return recommender and backend of a sample, by which its row is known."""
    return sample.notes["recommender"], sample.notes["backend"]


def name_of(recommender: str, backend: str | None) -> str:
    """Return how a row is called in pictures."""
    return f"{recommender} on {backend}" if backend else recommender


def is_drawn(sample: Sample) -> bool:
    """Return whether it holds a drawn sample of the pairs: a row with shots.

    Pictures show such a row hollow or pale, and on no axis of errors with rows on all pairs.
    """
    return sample.notes["shots"] is not None
