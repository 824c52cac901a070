"""Rows go to JSON and come back the same."""

import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

from qrec.errors import ConfigError
from qrec.types import Row


@dataclass(frozen=True, kw_only=True)
class Found(Row):
    label: str
    rank: int
    error: float = 0.5
    error_stderr: float | None = None
    by_start: tuple[float, ...] = ()
    gates: dict[str, int] | None = None


def through_json(row):
    return type(row).from_dict(json.loads(json.dumps(row.as_dict(), allow_nan=False)))


def test_row_comes_back_from_json_as_it_was():
    row = Found(label="a", rank=3, error=0.25, by_start=(0.1, 0.2), gates={"cx": 2})
    assert through_json(row) == row
    assert row.as_dict()["by_start"] == [0.1, 0.2]


def test_nan_is_null_on_disk_at_any_depth_and_nan_again_where_a_number_is_meant():
    row = Found(label="a", rank=1, error=math.nan, by_start=(math.nan,))
    assert row.as_dict()["error"] is None
    assert row.as_dict()["by_start"] == [None]
    again = through_json(Found(label="a", rank=1, error=math.nan, error_stderr=None))
    assert math.isnan(again.error)
    assert again.error_stderr is None


def test_numpy_scalars_become_plain_numbers():
    row = Found(label="a", rank=np.int64(3), error=np.float32("nan"), gates={"cx": np.int32(1)})
    assert json.loads(json.dumps(row.as_dict())) == row.as_dict()
    assert row.as_dict()["error"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": None}, "Found: field 'label' is None"),
        ({"rank": "four"}, "field 'rank' is 'four'"),
        ({"rnak": 3}, "unknown field 'rnak'; known: label, rank"),
    ],
)
def test_what_is_no_such_row_is_refused(change, said):
    with pytest.raises(ConfigError, match=said):
        Found.from_dict({"label": "a", "rank": 1} | change)


def test_missing_field_is_named():
    with pytest.raises(ConfigError, match="field 'rank' is missing"):
        Found.from_dict({"label": "a"})
