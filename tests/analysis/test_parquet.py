"""Rows as Parquet and as a frame."""

import sys

import pandas as pd
import pytest

import qrec
from qrec.analysis.parquet import write_parquet

ROWS = [
    {"name": "als", "rmse": 0.9, "n": 3, "params": {"reg": 1}, "mixed": 1},
    {"name": "swap", "rmse": None, "n": 4, "params": {}, "mixed": "x", "flags": ["low"]},
]


def test_rows_keep_their_types(tmp_path):
    pytest.importorskip("pyarrow")
    write_parquet(tmp_path / "rows.parquet", ROWS)
    found = pd.read_parquet(tmp_path / "rows.parquet")
    assert found["n"].tolist() == [3, 4]
    assert found["rmse"].isna().tolist() == [False, True]
    assert found["params"].tolist() == ['{"reg": 1}', "{}"]
    assert found["mixed"].tolist() == ["1", '"x"']
    assert found["flags"][1] == '["low"]'
    assert pd.isna(found["flags"][0])


def test_without_pyarrow_there_is_no_file(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    write_parquet(tmp_path / "rows.parquet", ROWS)
    assert not list(tmp_path.iterdir())


def test_a_run_is_opened_and_becomes_a_frame(small_run):
    run = qrec.open_run(small_run.folder.path)
    frame = run.to_pandas()
    assert list(frame["recommender"]) == [row["recommender"] for row in run.rows]
    assert list(frame["rmse"]) == [row["rmse"] for row in run.rows]
    assert frame["params"][0] == run.rows[0]["params"]
    if (path := run.folder.path / "rows.parquet").exists():
        assert list(pd.read_parquet(path)["rmse"]) == list(frame["rmse"])
