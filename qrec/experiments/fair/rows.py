"""What a fair comparison leaves: a row per recommender, protocol and seed, and what stands beside.

A `seed` of None is the mean over a protocol's seeds or folds. A verdict says where an interval
lies: "better" below zero, "worse" above, "no difference" where it holds zero.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from qrec.metrics.bootstrap import Interval
from qrec.types import Row

BETTER, WORSE, NO_DIFFERENCE = "better", "worse", "no difference"
TOO_FEW = "too few users"
_ROUNDING = 1e-9  # by which two ways to compute one prediction may differ
BEST, BIAS, CONTROL = "best classical", "bias", "control"  # what a row is laid beside


def verdict(interval: Interval) -> str:
    """Return in words where an interval lies; RMSE is better the lower."""
    if math.isnan(interval.low):
        return TOO_FEW
    if interval.high < -_ROUNDING:
        return BETTER
    return WORSE if interval.low > _ROUNDING else NO_DIFFERENCE


@dataclass(frozen=True, kw_only=True)
class FittedRow(Row):
    """What was noted when a recommender was fitted and predicted in one repeat."""

    recommender: str
    protocol: str
    seed: int
    chosen: dict[str, Any]
    fit_seconds: float | None
    predict_seconds: float
    parameters: int
    qubits: int | None  # of a quantum row's circuit, with the time of one execution on the device
    execution_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class FairRow(Row):
    """One recommender in one repeat, or over all of a protocol; differences are of RMSE.

    `minus_best_classical`, `low`, `high` and `verdict` speak of the best classical row; `control`
    is the row without a quantum part that explains its figure best (see `DifferenceRow`).
    """

    KEY: ClassVar[tuple[str, ...]] = ("recommender", "protocol", "seed")
    VALUES: ClassVar[tuple[str, ...]] = ("rmse", "mae", "minus_best_classical")

    recommender: str
    family: str
    protocol: str
    seed: int | None
    rmse: float
    mae: float
    rmse_stderr: float
    minus_best_classical: float
    low: float
    high: float
    control: str | None
    verdict: str


@dataclass(frozen=True, kw_only=True)
class DifferenceRow(Row):
    """RMSE of a recommender minus that of another on the same pairs, with a 95 % interval.

    `role` is what the other is: the best classical row, the bias row or a control, which has
    `instead` in the place of the quantum part.
    """

    KEY: ClassVar[tuple[str, ...]] = ("recommender", "protocol", "seed", "role", "against")
    VALUES: ClassVar[tuple[str, ...]] = ("difference",)

    recommender: str
    protocol: str
    seed: int | None
    role: str
    against: str
    instead: str | None
    difference: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True, kw_only=True)
class BucketRow(Row):
    """A row with controls, for users of so many training ratings, beside its hardest control."""

    KEY: ClassVar[tuple[str, ...]] = ("recommender", "protocol", "at_least")
    VALUES: ClassVar[tuple[str, ...]] = ("rmse", "difference")

    recommender: str
    protocol: str
    at_least: int
    below: int | None
    n_pairs: int
    rmse: float
    against: str
    difference: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True, kw_only=True)
class CostRow(Row):
    """What a row costs: a fit and the test predictions here, and its circuits on a device.

    `executions` and `qpu_seconds` are those of a reading for every pair that it needs one for;
    0 for what runs no circuit.
    """

    KEY: ClassVar[tuple[str, ...]] = ("recommender", "protocol")
    VALUES: ClassVar[tuple[str, ...]] = ("parameters", "executions")

    recommender: str
    protocol: str
    fit_seconds: float | None
    predict_seconds: float
    parameters: int
    qubits: int | None
    readings: int
    executions: int
    qpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class ChoiceRow(Row):
    """Which row is a protocol's best classical one, and what else could be called so."""

    KEY: ClassVar[tuple[str, ...]] = ("protocol",)
    VALUES: ClassVar[tuple[str, ...]] = ("validation_rmse",)

    protocol: str
    best_classical: str
    validation_rmse: float | None  # None where the protocol has no validation part of its own
    best_on_test: str  # what nobody could have chosen
    test_rmse: float
    train: int  # ratings, mean over its seeds or folds
    test: int
    unscored: float  # the share of test pairs that some row took from the biases
