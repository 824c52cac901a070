"""From stored predictions to the rows of a comparison."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from qrec.analysis.samples import Sample
from qrec.metrics import BoundMetric, coverage, find_metric, prediction_range, rmse_difference
from qrec.runs.files import write_text
from qrec.types import Row

BELOW_FLOOR = "below noise floor"
LOW_RATIO = "MAE/RMSE < .65"
NOT_HELD_OUT = "not held out"
SUSPICIOUS = (BELOW_FLOOR, LOW_RATIO)
DEFAULT_METRICS = ("rmse", "mae")

_LOWEST_RATIO = 0.65
_COMPARABLE_COVERAGE = 0.95  # a best row must not be best by declining the hard pairs


@dataclass(frozen=True, kw_only=True)
class ComparisonRow(Row):
    """What one recommender, on a backend if it is quantum, reached in one repeat.

    `metrics` holds every metric by its name and its standard error as ``<name>_stderr``; on disk
    they are fields of their own. A row on a drawn sample of pairs (`shots` is not None) also
    says what its own exact row and the best classical row reach on those same pairs.
    """

    KEY: ClassVar[tuple[str, ...]] = ("recommender", "backend", "repeat")
    VALUES: ClassVar[tuple[str, ...]] = (*DEFAULT_METRICS, "coverage")

    recommender: str
    backend: str | None
    shots: int | None
    repeat: int
    metrics: dict[str, float | None]
    coverage: float
    prediction_min: float | None
    prediction_max: float | None
    fit_seconds: float | None  # None where a QPU was asked, as the next
    predict_seconds: float | None
    n_predictions: int
    qubits: int | None
    two_qubit_gates: int | None
    depth: int | None
    recommender_class: str  # "class" on disk
    family: str
    params: dict[str, Any]
    chosen: dict[str, Any]
    validation_rmse: float | None
    scored_on: str
    noise_floor: float | None
    flags: tuple[str, ...]
    best_classical: bool = False
    rmse_exact_same_pairs: float | None = None
    rmse_minus_exact: float | None = None
    rmse_minus_exact_stderr: float | None = None
    rmse_classical_same_pairs: float | None = None
    rmse_minus_classical: float | None = None
    rmse_minus_classical_stderr: float | None = None

    @property
    def metric_names(self) -> list[str]:
        """The names of the metrics, in the order of their columns."""
        return [name for name in self.metrics if not name.endswith("_stderr")]

    def as_dict(self) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for name, value in super().as_dict().items():
            if name == "metrics":
                content |= value
            elif self.shots is not None or name not in _SAME_PAIRS:
                content["class" if name == "recommender_class" else name] = value
        return content

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Self:
        content = {"recommender_class" if k == "class" else k: v for k, v in mapping.items()}
        own = {field.name for field in fields(cls)}
        names = [k for k in content if k not in own and f"{k}_stderr" in content]
        names += [f"{name}_stderr" for name in names]
        return super().from_dict(content | {"metrics": {k: content.pop(k) for k in names}})


_SAME_PAIRS = tuple(
    name
    for other in ("exact", "classical")
    for name in (f"rmse_{other}_same_pairs", f"rmse_minus_{other}", f"rmse_minus_{other}_stderr")
)


def comparison_rows(
    samples: Sequence[Sample], metrics: Sequence[str] = DEFAULT_METRICS
) -> list[ComparisonRow]:
    """Return one row of metrics per sample, those named and, in any case, RMSE, MAE and coverage.

    The best classical row of each repeat is marked. A row on a drawn sample of pairs also
    carries, for those same pairs, the RMSE of its own exact row and of the best classical one:
    its RMSE must not be laid beside rows on all pairs. Raises ConfigError for an unknown metric.
    """
    # Flags, the best row and the noise floor rest on RMSE and MAE; coverage is a field.
    names = dict.fromkeys(name for name in (*metrics, *DEFAULT_METRICS) if name != "coverage")
    bound = [find_metric(name) for name in names]
    rows = [_row(sample, bound) for sample in samples]
    return [_beside(row, sample, rows, samples) for row, sample in zip(rows, samples, strict=True)]


def best_classical(rows: Sequence[ComparisonRow]) -> ComparisonRow | None:
    """Return the held-out classical row of the lowest RMSE that scores nearly every pair."""
    candidates = [
        (rmse, row)
        for row in rows
        if row.family == "classical"
        and row.scored_on == "test"
        and row.coverage >= _COMPARABLE_COVERAGE
        and (rmse := row.metrics["rmse"]) is not None
    ]
    return min(candidates, key=lambda candidate: candidate[0], default=(0.0, None))[1]


def align(a: Sample, b: Sample) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of `a` and of `b` that hold the same pairs, in the same order."""
    codes_a, codes_b = (s.user.astype(np.int64) << 32 | s.item for s in (a, b))
    _, rows_a, rows_b = np.intersect1d(codes_a, codes_b, assume_unique=True, return_indices=True)
    return rows_a, rows_b


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV in one step; mappings and lists become JSON."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()}
        writer.writerow(cells)
    write_text(path, text.getvalue())


def _row(sample: Sample, metrics: Sequence[BoundMetric]) -> ComparisonRow:
    notes, columns = sample.notes, (sample.truth, sample.prediction, sample.user)
    scores = {metric.name: metric(*columns) for metric in metrics}
    values = {name: _known(score.value) for name, score in scores.items()}
    values |= {f"{name}_stderr": _known(score.stderr) for name, score in scores.items()}
    low, high = prediction_range(sample.prediction)
    cost = (notes["circuits"] or {}).get("executed", {})
    return ComparisonRow(
        metrics=values,
        coverage=coverage(*columns).value,
        prediction_min=_known(low),
        prediction_max=_known(high),
        n_predictions=len(sample.prediction),
        recommender_class=notes["class"],
        flags=_flags(values["rmse"], values["mae"], notes),
        **{name: cost.get(name) for name in ("qubits", "two_qubit_gates", "depth")},
        **{name: notes[name] for name in _NOTED},
    )


_NOTED = (
    *("recommender", "backend", "shots", "repeat", "fit_seconds", "predict_seconds", "family"),
    *("params", "chosen", "validation_rmse", "scored_on", "noise_floor"),
)


def _flags(rmse: float | None, mae: float | None, notes: dict[str, Any]) -> tuple[str, ...]:
    """Return why a row is not to be believed as it stands."""
    flags = []
    floor = notes["noise_floor"]
    if rmse is not None and mae is not None:
        if floor is not None and rmse < floor:
            flags.append(BELOW_FLOOR)
        if mae < _LOWEST_RATIO * rmse:
            flags.append(LOW_RATIO)
    if notes["scored_on"] != "test":
        flags.append(NOT_HELD_OUT)
    return tuple(flags)


def _beside(
    row: ComparisonRow,
    sample: Sample,
    rows: Sequence[ComparisonRow],
    samples: Sequence[Sample],
) -> ComparisonRow:
    """Return `row` with what follows from the other rows of its repeat."""
    others = [pair for pair in zip(rows, samples, strict=True) if pair[0].repeat == row.repeat]
    best = best_classical([other for other, _ in others])
    found: dict[str, Any] = {}
    if row.shots is not None:
        exact = next((theirs for other, theirs in others if _is_exact(other, row)), None)
        classical = next((theirs for other, theirs in others if other is best), None)
        found = _same_pairs(sample, exact, "exact") | _same_pairs(sample, classical, "classical")
    return replace(row, best_classical=row is best, **found)


def _is_exact(row: ComparisonRow, of: ComparisonRow) -> bool:
    """Say whether `row` is the row `of` evaluated without shots."""
    return row.recommender == of.recommender and row.shots is None


def _same_pairs(sample: Sample, other: Sample | None, name: str) -> dict[str, float | None]:
    if other is None:
        return {}
    rows, rows_other = align(sample, other)
    found = rmse_difference(
        sample.truth[rows],
        sample.prediction[rows],
        other.prediction[rows_other],
        sample.user[rows],
    )
    return {
        f"rmse_{name}_same_pairs": _known(found.rmse_b),
        f"rmse_minus_{name}": _known(found.value),
        f"rmse_minus_{name}_stderr": _known(found.stderr),
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
