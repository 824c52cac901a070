"""Predictions of one row of one repeat, with what was noted beside them."""

from dataclasses import dataclass
from typing import Any

from qrec.types import Array, Codes


@dataclass(frozen=True, eq=False)
class Sample:
    """The predictions of a finished step, `(n,)` each, and what was noted beside them."""

    user: Codes
    item: Codes
    truth: Array
    prediction: Array  # nan where the recommender could not score
    notes: dict[str, Any]
