"""What a noise impact leaves, row by row. All rows begin with the same fields.

`source` is what of the device's noise is there: "none", "readout", "one_qubit", "two_qubit",
"idle" or "all", times `scale`. `shots` is None where they are infinitely many. `minus_exact` is
the RMSE minus that of the same recommender without noise and shots on the same pairs, `low` and
`high` its 95 % interval, users drawn again. `spearman` is the rank correlation of the predictions
with those. `executions` are what the row's readings take.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from qrec.types import Row


@dataclass(frozen=True, kw_only=True)
class PredictedRow(Row):
    """What was noted beside the predictions of one step."""

    recommender: str
    source: str
    scale: float
    backend: str | None  # as the run calls it; None of a classical row
    shots: int | None
    noise_floor: float | None
    predict_seconds: float | None
    circuits: dict[str, Any] | None  # what one costs, by stage
    evaluations: int
    n_circuits: int  # that take the place of one for each evaluation
    calibration: int  # evaluations beside, once for all
    calibrated: str | None  # when the device was, ISO 8601
    device: str | None
    execution_seconds: float | None  # of one on the device; where it is noted
    rating_scale: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class MeasuredRow(Row):
    """The fields with which all rows begin."""

    recommender: str
    source: str
    scale: float
    mitigation: str
    shots: int | None
    rmse: float
    minus_exact: float | None  # None of a classical row, as the next three
    low: float | None
    high: float | None
    spearman: float | None
    executions: int | None


@dataclass(frozen=True, kw_only=True)
class ImpactRow(MeasuredRow):
    """One recommender under one kind of noise.

    `section` says why it was measured: "classical", "source", "strength", "shots", "mitigation",
    "device" or "backend". With shots of section "shots" the RMSE is its expectation by the exact
    variance of the readings, and rank figures are those of one draw of it. `shot_sd` is the
    standard deviation of a prediction by a single shot, root mean square over the pairs;
    `shot_error` what shots alone do to a prediction. `circuits` are run for each evaluation, and
    `calibration` evaluations once beside them; `shots_factor` is how many times as many
    executions the same `shot_error` takes as without mitigation.
    """

    KEY: ClassVar[tuple[str, ...]] = (
        "section", "recommender", "device", "source", "scale", "mitigation", "shots",
    )  # fmt: skip
    VALUES: ClassVar[tuple[str, ...]] = ("rmse", "minus_exact", "spearman", "ndcg")

    section: str
    device: str | None  # or the backend, where that is not the experiment's device
    calibrated: str | None
    ndcg: float | None
    minus_against: float
    low_against: float
    high_against: float
    minus_unmitigated: float | None = None
    low_unmitigated: float | None = None
    high_unmitigated: float | None = None
    shot_sd: float | None = None
    shot_error: float | None = None
    circuits: int | None = None
    calibration: int | None = None
    shots_factor: float | None = None


@dataclass(frozen=True, kw_only=True)
class ThresholdRow(MeasuredRow):
    """The strength of all noise at which a quantum row falls behind the row `against`.

    `scale` is that strength, between `scale_low` and `scale_high`, and `rmse` what the row has
    there. ``nan``, or None for an end, lies beyond the `largest` strength tried; the figures are
    then those at it. 0 is behind without noise. `known` is whether enough users speak for the
    ends of the interval.
    """

    KEY: ClassVar[tuple[str, ...]] = ("recommender", "against")
    VALUES: ClassVar[tuple[str, ...]] = ("scale",)

    against: str
    largest: float
    scale_low: float | None
    scale_high: float | None
    known: bool


@dataclass(frozen=True, kw_only=True)
class DriftRow(MeasuredRow):
    """A device as it was calibrated once, and `earlier`: the difference of RMSE between both."""

    KEY: ClassVar[tuple[str, ...]] = ("recommender", "device", "calibrated", "earlier")
    VALUES: ClassVar[tuple[str, ...]] = ("minus_earlier",)

    device: str
    calibrated: str
    earlier: str
    minus_earlier: float
    low_earlier: float
    high_earlier: float


@dataclass(frozen=True, kw_only=True)
class NeededRow(MeasuredRow):
    """The shots that keep the RMSE within `wanted_loss` of what infinitely many would give.

    `shots` lie between `shots_low` and `shots_high`. `executions` read every pair, in
    `qpu_seconds` on `device`; None where no number of shots was found.
    """

    KEY: ClassVar[tuple[str, ...]] = ("recommender", "source", "scale", "wanted_loss")
    VALUES: ClassVar[tuple[str, ...]] = ("shots", "qpu_seconds")

    wanted_loss: float
    shots_low: int | None
    shots_high: int | None
    device: str | None
    qpu_seconds: float | None
