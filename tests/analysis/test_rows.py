"""From samples to rows: marks, flags, and comparisons on the same pairs."""

import csv
import json
import math

import numpy as np
import pytest

from qrec.analysis.rows import (
    BELOW_FLOOR,
    LOW_RATIO,
    ComparisonRow,
    comparison_rows,
    write_csv,
)
from qrec.analysis.samples import Sample
from qrec.errors import ConfigError


def sample(name, errors, *, user=None, shots=None, backend=None, floor=None, **notes):
    """Return predictions of truth 3 with these errors, pair i being item i."""
    errors = np.asarray(errors, float)
    n = len(errors)
    standard = {
        "recommender": name, "class": name, "family": "quantum" if backend else "classical",
        "backend": backend, "shots": shots, "repeat": 0, "scored_on": "test",
        "noise_floor": floor, "params": {}, "chosen": {}, "validation_rmse": None,
        "fit_seconds": 1.0, "predict_seconds": 1.0, "circuits": None,
    }  # fmt: skip
    user = np.arange(n, dtype=np.int32) if user is None else np.asarray(user, np.int32)
    item = np.arange(n, dtype=np.int32)
    return Sample(user, item, np.full(n, 3.0), 3.0 + errors, standard | notes)


def dicts(samples, *metrics):
    return [row.as_dict() for row in comparison_rows(samples, *metrics)]


def flags(*errors, **notes):
    return dicts([sample("a", *errors, **notes)])[0]["flags"]


def test_honest_rows_have_no_flags():
    errors = np.random.default_rng(0).normal(size=2000)
    assert flags(errors, floor=0.9) == []


def test_row_under_the_noise_floor_is_flagged():
    errors = np.random.default_rng(0).normal(size=2000)
    rmse = float(np.sqrt(np.mean(errors**2)))
    assert flags(errors, floor=rmse + 1e-6) == [BELOW_FLOOR]
    assert flags(errors, floor=rmse - 1e-6) == []


def test_errors_too_small_for_their_square_are_flagged():
    memorised = np.zeros(1000)
    memorised[:100] = 1.0
    assert flags(memorised) == [LOW_RATIO]


def test_best_classical_row_is_held_out_covers_and_is_classical():
    rng = np.random.default_rng(0)
    few = rng.normal(size=100) * 0.1
    few[:50] = np.nan
    rows = dicts(
        [
            sample("trained on", rng.normal(size=100) * 0.1, scored_on="train"),
            sample("declines", few),
            sample("hybrid", rng.normal(size=100) * 0.2, family="hybrid"),
            sample("quantum", rng.normal(size=100) * 0.2, backend="exact"),
            sample("second", rng.normal(size=100) * 0.9),
            sample("best", rng.normal(size=100) * 0.7),
        ]
    )
    assert [row["recommender"] for row in rows if row["best_classical"]] == ["best"]


def test_row_on_a_sample_is_compared_on_its_own_pairs():
    rng = np.random.default_rng(1)
    exact, classical = rng.normal(size=100), rng.normal(size=100)
    kept = np.arange(10, 60, 5)
    drawn = sample("q", exact[kept] + 0.1, user=kept, backend="aer", shots=100)
    drawn.item[:] = kept
    rows = dicts([sample("c", classical), sample("q", exact, backend="exact"), drawn])
    assert "rmse_minus_exact" not in rows[1], "a row on all pairs needs no such help"

    def root(errors):
        return np.sqrt(np.mean(errors**2))

    row = rows[2]
    assert row["rmse_exact_same_pairs"] == pytest.approx(root(exact[kept]))
    assert row["rmse_classical_same_pairs"] == pytest.approx(root(classical[kept]))
    expected = root(exact[kept] + 0.1) - root(exact[kept])
    assert row["rmse_minus_exact"] == pytest.approx(expected)


def test_nothing_scored_is_null_in_json():
    row = dicts([sample("a", [np.nan, np.nan])])[0]
    assert row["coverage"] == 0
    assert [row[k] for k in ("rmse", "mae", "rmse_stderr", "prediction_min")] == [None] * 4
    json.dumps(row, allow_nan=False)


def test_csv_has_every_column_of_every_row(tmp_path):
    rows = dicts([sample("a", [1.0, 2.0]), sample("b", [1.0, 2.0], backend="aer", shots=10)])
    write_csv(tmp_path / "rows.csv", rows)
    with (tmp_path / "rows.csv").open() as file:
        first, second = csv.DictReader(file)
    assert first.keys() == second.keys() >= {"rmse_minus_exact", "rmse"}
    assert first["rmse_minus_classical"] == ""
    assert float(first["rmse"]) == rows[0]["rmse"]
    assert json.loads(first["params"]) == {}


_COLUMNS = (
    "recommender backend shots repeat rmse mae rmse_stderr mae_stderr coverage prediction_min "
    "prediction_max fit_seconds predict_seconds n_predictions qubits two_qubit_gates depth class "
    "family params chosen validation_rmse scored_on noise_floor flags best_classical"
)


def test_columns_on_disk_are_metrics_then_their_errors_then_the_rest():
    [row] = dicts([sample("a", [1.0, 2.0])])
    assert " ".join(row) == _COLUMNS
    [row] = dicts([sample("a", [1.0, 2.0], user=[0, 0])], ["rmse", "mae", "ndcg@10"])
    more = _COLUMNS.replace("rmse mae", "rmse mae ndcg@10")
    assert " ".join(row) == more.replace("mae_stderr", "mae_stderr ndcg@10_stderr")
    assert 0 < row["ndcg@10"] <= 1


def test_rmse_mae_and_coverage_are_there_whatever_is_named():
    samples = [sample("a", [1.0, 2.0, math.nan])]
    assert comparison_rows(samples, ["coverage", "mae"])[0].metric_names == ["mae", "rmse"]
    with pytest.raises(ConfigError, match="did you mean 'rmse'"):
        comparison_rows(samples, ["rsme"])


def test_rows_come_back_from_json():
    samples = [sample("a", [1.0, 2.0]), sample("b", [1.0, 2.0], backend="aer", shots=10)]
    rows = comparison_rows(samples, ["ndcg@2", "rmse"])
    stored = json.loads(json.dumps([row.as_dict() for row in rows], allow_nan=False))
    assert [ComparisonRow.from_dict(row) for row in stored] == rows
    with pytest.raises(ConfigError, match="unknown field 'rsme'"):
        ComparisonRow.from_dict(stored[0] | {"rsme": 1.0})
