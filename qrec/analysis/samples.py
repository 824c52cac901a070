"""Predictions of one row of one repeat, with what was noted beside them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Sample:
    """The predictions of a finished step, `(n,)` each, and what was noted beside them."""

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    truth: NDArray[np.float64]
    prediction: NDArray[np.float64]  # nan where the recommender could not score
    notes: dict[str, Any]
