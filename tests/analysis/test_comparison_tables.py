"""The printed tables fit a terminal and say what must be said."""

import re
from dataclasses import replace

import pytest

from qrec.analysis.accuracy import accuracy_table, cost_table, same_pairs_table
from qrec.analysis.rows import ComparisonRow
from qrec.analysis.table import to_text


@pytest.fixture
def rows(small_run):
    return [ComparisonRow.from_dict(row) for row in small_run.rows]


def test_tables_fit_eighty_columns_without_losing_a_figure(small_run):
    text = small_run.table()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_heading_names_data_split_and_seed(small_run):
    heading = re.sub(r"\s+", " ", small_run.table())
    for said in ("synthetic", "1500 ratings", "split: kind random", "seed 3", "shots", "1024"):
        assert said in heading


def test_noise_floor_and_best_classical_row_are_marked(small_run):
    text = small_run.table()
    [best] = [row for row in small_run.rows if row["best_classical"]]
    assert f"{best['recommender']} *" in text
    assert f"{best['noise_floor']:.4f}" in text


def test_chosen_parameters_are_shown(small_run):
    [row] = [row for row in small_run.rows if row["recommender"] == "als"]
    assert f"als: reg={row['chosen']['reg']} (RMSE there {row['validation_rmse']:.4f})" in " ".join(
        small_run.table().split()
    )


def test_suspicious_row_is_marked_and_explained(small_run, rows):
    rows[0] = replace(rows[0], flags=("below noise floor",))
    text = to_text(accuracy_table(["heading"], rows))
    assert "mean !" in text
    assert "suspicious" in text
    assert "suspicious" not in small_run.table()


def test_rows_on_a_sample_stand_beside_the_same_pairs(rows):
    [row] = same_pairs_table(rows).rows
    assert row[:3] == ["swap", "aer_ideal", "40"]
    assert row[4].startswith(f"{rows[3].rmse_minus_exact:+.4f}±")


def test_repeats_are_shown_as_means(rows):
    first, rmse = rows[0], rows[0].metrics["rmse"]
    second = replace(first, repeat=1, metrics=first.metrics | {"rmse": rmse + 0.2})
    [row] = accuracy_table(["heading"], [first, second]).rows
    assert row[3].startswith(f"{rmse + 0.1:.4f}±")


def test_seconds_are_per_twenty_thousand_predictions(rows):
    row = replace(rows[0], predict_seconds=3.0, n_predictions=10)
    assert cost_table([row]).rows[0][4] == "6e+03"


def test_every_metric_named_has_its_column_and_no_figure_is_broken(rows):
    extra = {"ndcg@10": 0.8123, "precision@5": 0.4567}
    values = extra | {f"{name}_stderr": 0.012 for name in extra}
    rows = [replace(row, metrics=row.metrics | values) for row in rows]
    table = accuracy_table(["heading"], rows)
    assert table.columns[3:-2] == ["RMSE", "MAE", "NDCG@10", "prec@5"]
    text = to_text(table)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("0.8123±.012") == text.count("0.4567±.012") == len(rows)
