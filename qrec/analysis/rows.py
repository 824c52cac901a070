"""From stored predictions to the rows of a comparison."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qrec.metrics import coverage, mae, prediction_range, rmse, rmse_difference
from qrec.runs.files import write_text
from qrec.runs.folder import Sample

BELOW_FLOOR = "below noise floor"
LOW_RATIO = "MAE/RMSE < .65"
NOT_HELD_OUT = "not held out"
SUSPICIOUS = (BELOW_FLOOR, LOW_RATIO)

_LOWEST_RATIO = 0.65
_COMPARABLE_COVERAGE = 0.95  # a best row must not be best by declining the hard pairs


def comparison_rows(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return one row of metrics per sample; ``nan`` becomes None.

    The best classical row of each repeat is marked. A row on a drawn sample of pairs also
    carries, for those same pairs, the RMSE of its own exact row and of the best classical one:
    its RMSE must not be laid beside rows on all pairs.
    """
    rows = [_row(sample) for sample in samples]
    for row, sample in zip(rows, samples, strict=True):
        beside = [
            (other, theirs)
            for other, theirs in zip(rows, samples, strict=True)
            if other["repeat"] == row["repeat"]
        ]
        best = best_classical([other for other, _ in beside])
        row["best_classical"] = row is best
        if row["shots"] is not None:
            exact = next((theirs for other, theirs in beside if _is_exact(other, row)), None)
            classical = next((theirs for other, theirs in beside if other is best), None)
            row |= _same_pairs(sample, exact, "exact")
            row |= _same_pairs(sample, classical, "classical")
    return [{key: _plain(value) for key, value in row.items()} for row in rows]


def best_classical(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the held-out classical row of the lowest RMSE that scores nearly every pair."""
    candidates = [
        row
        for row in rows
        if row["family"] == "classical"
        and row["scored_on"] == "test"
        and row["coverage"] >= _COMPARABLE_COVERAGE
    ]
    return min(candidates, key=lambda row: row["rmse"], default=None)


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


def _row(sample: Sample) -> dict[str, Any]:
    notes = sample.notes
    root, absolute = (
        metric(sample.truth, sample.prediction, sample.user) for metric in (rmse, mae)
    )
    low, high = prediction_range(sample.prediction)
    cost = (notes["circuits"] or {}).get("executed", {})
    row = {
        "recommender": notes["recommender"],
        "backend": notes["backend"],
        "shots": notes["shots"],
        "repeat": notes["repeat"],
        "rmse": root.value,
        "mae": absolute.value,
        "rmse_stderr": root.stderr,
        "mae_stderr": absolute.stderr,
        "coverage": coverage(sample.prediction),
        "prediction_min": low,
        "prediction_max": high,
        "fit_seconds": notes["fit_seconds"],
        "predict_seconds": notes["predict_seconds"],
        "n_predictions": len(sample.prediction),
        "qubits": cost.get("qubits"),
        "two_qubit_gates": cost.get("two_qubit_gates"),
        "depth": cost.get("depth"),
    }
    beside = ("class", "family", "params", "chosen", "validation_rmse", "scored_on", "noise_floor")
    return row | {key: notes[key] for key in beside} | {"flags": _flags(row, notes)}


def _flags(row: dict[str, Any], notes: dict[str, Any]) -> list[str]:
    """Return why a row is not to be believed as it stands."""
    flags = []
    floor = notes["noise_floor"]
    if floor is not None and row["rmse"] < floor:
        flags.append(BELOW_FLOOR)
    if row["mae"] < _LOWEST_RATIO * row["rmse"]:
        flags.append(LOW_RATIO)
    if notes["scored_on"] != "test":
        flags.append(NOT_HELD_OUT)
    return flags


def _is_exact(row: dict[str, Any], of: dict[str, Any]) -> bool:
    """Say whether `row` is the row `of` evaluated without shots."""
    return bool(row["recommender"] == of["recommender"] and row["shots"] is None)


def _same_pairs(sample: Sample, other: Sample | None, name: str) -> dict[str, Any]:
    keys = [f"rmse_{name}_same_pairs", f"rmse_minus_{name}", f"rmse_minus_{name}_stderr"]
    if other is None:
        return dict.fromkeys(keys)
    rows, rows_other = align(sample, other)
    found = rmse_difference(
        sample.truth[rows],
        sample.prediction[rows],
        other.prediction[rows_other],
        sample.user[rows],
    )
    return dict(zip(keys, (found.rmse_b, found.value, found.stderr), strict=True))


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
