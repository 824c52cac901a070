"""From the predictions of all steps to rows: differences, thresholds, shots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.stats import rankdata

from qrec.errors import ConfigError
from qrec.experiments.comparison.spec import Entry
from qrec.experiments.noise.impact.rows import (
    DriftRow,
    ImpactRow,
    NeededRow,
    PredictedRow,
    ThresholdRow,
)
from qrec.experiments.noise.impact.spec import ALL, NONE, NoiseImpactSpec
from qrec.experiments.noise.impact.statistics import (
    Resampled,
    bounds,
    first_above,
    shots_needed,
    squared_error,
)
from qrec.experiments.noise.impact.variants import (
    CLASSICAL,
    DEVICE,
    EXACT,
    MITIGATION,
    SHOTS,
    UNMITIGATED,
    Variant,
)
from qrec.metrics import ndcg
from qrec.runs.outcomes import Arrays
from qrec.seeds import child_seed
from qrec.types import Array, Row

_CUTOFF = 10  # of nDCG


@dataclass(frozen=True, eq=False)
class Predicted:
    """The predictions of a step and what was noted beside them."""

    entry: Entry
    variant: Variant
    noted: PredictedRow
    arrays: Arrays
    where: str


class Results:
    """The rows of one run, on the pairs that every row scores."""

    def __init__(self, spec: NoiseImpactSpec, predicted: Sequence[Predicted]) -> None:
        self._spec = spec
        columns = np.array([one.arrays["prediction"] for one in predicted])
        self._kept = np.isfinite(columns).all(axis=0)
        if not self._kept.any():
            raise ConfigError("recommenders: there is no test pair that all of them score")
        first = predicted[0].arrays
        self._truth, self._user = first["truth"][self._kept], first["user"][self._kept]
        self.resampled = Resampled(self._truth, self._user, child_seed(spec.seed, "resamples"))
        self._of = {(one.entry.label, one.variant.name): one for one in predicted}

    @property
    def n_pairs(self) -> int:
        return int(self._kept.sum())

    def rows(self) -> list[Row]:
        rows: list[Row] = []
        for one in self._of.values():
            rows.append(self._impact(one))
        for entry in self._spec.recommenders:
            if entry.is_quantum:
                for name in (EXACT, UNMITIGATED):
                    one = self._of[entry.label, name]
                    rows += [self._with_shots(one, shots) for shots in self._spec.shots]
                    rows.append(self._needed(one))
                rows.append(self._threshold(entry.label))
                rows += self._drifts(entry.label)
        return rows

    def _impact(self, one: Predicted) -> ImpactRow:
        """Return the row of a step's predictions."""
        variant, noted = one.variant, one.noted
        prediction, values = self._column(one, "prediction"), self._rmse(one)
        shots, n_read = noted.shots, noted.evaluations * noted.n_circuits + noted.calibration
        row = ImpactRow(
            section=variant.section,
            recommender=one.entry.label,
            device=variant.device,
            calibrated=noted.calibrated,
            source=noted.source,
            scale=noted.scale,
            mitigation=variant.mitigation,
            shots=shots,
            rmse=float(values[0]),
            executions=None if shots is None else shots * n_read,
            **self._against(values),
            **self._minus_exact(one.entry.label, variant, values),
            **self._ranks(one.entry.label, variant, prediction),
        )
        if "shot_sd" not in one.arrays:
            return row
        row = replace(row, circuits=noted.n_circuits, shot_sd=self._shot_sd(one))
        return self._mitigated(row, one, values) if variant.section == MITIGATION else row

    def _mitigated(self, row: ImpactRow, one: Predicted, values: Array) -> ImpactRow:
        """Return the row with what mitigation gains and costs."""
        plain = self._of[one.entry.label, UNMITIGATED]
        gain = self.resampled.difference(values, self._rmse(plain))
        amplified = (self._shot_sd(one) / max(self._shot_sd(plain), 1e-300)) ** 2
        return replace(
            row,
            minus_unmitigated=gain.value,
            low_unmitigated=gain.low,
            high_unmitigated=gain.high,
            calibration=one.noted.calibration,
            shots_factor=one.noted.n_circuits * amplified,
        )

    def _with_shots(self, one: Predicted, shots: int) -> ImpactRow:
        """Return what so many shots would give in expectation, by the variance of one."""
        label, variant = one.entry.label, replace(one.variant, section=SHOTS)
        rating, sd = self._column(one, "rating"), self._column(one, "shot_sd") / np.sqrt(shots)
        values = self.resampled.root(squared_error(rating, sd, self._truth, self._scale))
        limit = np.clip(rating, *self._scale)
        seed = child_seed(self._spec.seed, "draw", label, variant.name, shots)
        drawn = rating + sd * np.random.default_rng(seed).normal(size=len(sd))
        return ImpactRow(
            section=SHOTS,
            recommender=label,
            device=None,
            calibrated=one.noted.calibrated,
            source=variant.source,
            scale=variant.scale,
            mitigation=NONE,
            shots=shots,
            rmse=float(values[0]),
            executions=shots * one.noted.evaluations,
            shot_sd=self._shot_sd(one),
            shot_error=float(np.sqrt(squared_error(rating, sd, limit, self._scale).mean())),
            circuits=1,
            **self._against(values),
            **self._minus_exact(label, variant, values),
            **self._ranks(label, variant, np.clip(drawn, *self._scale)),
        )

    def _needed(self, one: Predicted) -> NeededRow:
        """Return the shots that a wanted error takes."""
        label, variant, wanted = one.entry.label, one.variant, self._spec.wanted_loss
        rating, sd = self._column(one, "rating"), self._column(one, "shot_sd")
        found = shots_needed(self.resampled, rating, sd, self._scale, wanted)
        shots = _whole(found.value)
        n = sd / np.sqrt(1 if shots is None else shots)
        values = self.resampled.root(squared_error(rating, n, self._truth, self._scale))
        executions = None if shots is None else shots * one.noted.evaluations
        seconds = self._of[label, UNMITIGATED].noted.execution_seconds
        return NeededRow(
            recommender=label,
            source=variant.source,
            scale=variant.scale,
            mitigation=NONE,
            shots=shots,
            rmse=float(values[0]),
            executions=executions,
            wanted_loss=wanted,
            shots_low=_whole(found.low),
            shots_high=_whole(found.high),
            device=self._of[label, UNMITIGATED].noted.device,
            qpu_seconds=None if executions is None or seconds is None else executions * seconds,
            **self._minus_exact(label, variant, values),
            spearman=None,
        )

    def _threshold(self, label: str) -> ThresholdRow:
        """Return the strength of noise at which a row falls behind the one it is laid against."""
        scales = self._spec.scales
        at = [self._rmse(self._of[label, f"{ALL}-x{scale:g}"]) for scale in scales]
        curves = np.column_stack([values - self._behind for values in at])
        found = bounds(first_above(np.array(scales), curves))
        where = found.value if np.isfinite(found.value) else scales[-1]
        values = np.array([np.interp(where, scales, row) for row in np.column_stack(at)])
        variant = self._of[label, UNMITIGATED].variant
        return ThresholdRow(
            recommender=label,
            source=ALL,
            scale=found.value if np.isfinite(found.value) else np.nan,
            mitigation=NONE,
            shots=None,
            rmse=float(values[0]),
            executions=None,
            against=self._spec.against,
            largest=scales[-1],
            scale_low=_finite(found.low),
            scale_high=_finite(found.high),
            known=not np.isnan(found.low),
            **self._minus_exact(label, variant, values),
            spearman=None,
        )

    def _drifts(self, label: str) -> list[DriftRow]:
        """Return what became of each device between two calibrations of it."""
        by_device: dict[str, dict[str, Predicted]] = {}
        for (of, name), one in self._of.items():
            if of == label and (one.variant.section == DEVICE or name == UNMITIGATED):
                assert one.noted.device is not None  # both have one, with the day
                assert one.noted.calibrated is not None
                by_device.setdefault(one.noted.device, {})[one.noted.calibrated] = one
        rows = []
        for device, by_date in by_device.items():
            for earlier, later in pairwise(sorted(by_date)):
                values = self._rmse(by_date[later])
                apart = self.resampled.difference(values, self._rmse(by_date[earlier]))
                variant, prediction = by_date[later].variant, by_date[later]
                row = DriftRow(
                    recommender=label,
                    source=variant.source,
                    scale=variant.scale,
                    mitigation=NONE,
                    shots=None,
                    rmse=float(values[0]),
                    executions=None,
                    spearman=self._ranks(label, variant, self._column(prediction, "prediction"))[
                        "spearman"
                    ],
                    device=device,
                    calibrated=later,
                    earlier=earlier,
                    minus_earlier=apart.value,
                    low_earlier=apart.low,
                    high_earlier=apart.high,
                    **self._minus_exact(label, variant, values),
                )
                rows.append(row)
        return rows

    @cached_property
    def _scale(self) -> tuple[float, float]:
        return self._of[self._spec.against, CLASSICAL].noted.rating_scale

    @cached_property
    def _behind(self) -> Array:
        return self._rmse(self._of[self._spec.against, CLASSICAL])

    def _column(self, one: Predicted, name: str) -> Array:
        return np.asarray(one.arrays[name][self._kept])

    def _rmse(self, one: Predicted) -> Array:
        return self.resampled.rmse(self._column(one, "prediction"))

    def _shot_sd(self, one: Predicted) -> float:
        return float(np.sqrt(np.mean(self._column(one, "shot_sd") ** 2)))

    def _against(self, values: Array) -> Mapping[str, Any]:
        found = self.resampled.difference(values, self._behind)
        return {
            "minus_against": found.value, "low_against": found.low, "high_against": found.high,
        }  # fmt: skip

    def _minus_exact(self, label: str, variant: Variant, values: Array) -> Mapping[str, Any]:
        if variant.section == CLASSICAL:
            return {"minus_exact": None, "low": None, "high": None}
        found = self.resampled.difference(values, self._rmse(self._of[label, EXACT]))
        return {"minus_exact": found.value, "low": found.low, "high": found.high}

    def _ranks(self, label: str, variant: Variant, prediction: Array) -> Mapping[str, Any]:
        gain = ndcg(self._truth, prediction, self._user, at=_CUTOFF).value
        found: dict[str, Any] = {"ndcg": None if np.isnan(gain) else gain, "spearman": None}
        if variant.section != CLASSICAL:
            exact = self._column(self._of[label, EXACT], "prediction")
            found["spearman"] = spearman(prediction, exact)
        return found


def impact_rows(spec: NoiseImpactSpec, predicted: Sequence[Predicted]) -> list[Row]:
    """Return all rows of a run."""
    return Results(spec, predicted).rows()


def spearman(a: Array, b: Array) -> float | None:
    """Return the rank correlation of two columns `(n,)`; None where one does not vary."""
    ranks_a, ranks_b = rankdata(a), rankdata(b)
    if np.ptp(ranks_a) == 0 or np.ptp(ranks_b) == 0:
        return None
    return float(np.corrcoef(ranks_a, ranks_b)[0, 1])


def _whole(shots: float) -> int | None:
    return int(np.ceil(shots)) if np.isfinite(shots) else None


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
