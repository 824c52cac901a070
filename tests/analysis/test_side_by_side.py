"""Rows of any kind of experiment, run beside run."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from qrec.analysis.side_by_side import ComparedRow, compare_rows, compare_tables
from qrec.analysis.table import to_text
from qrec.errors import ConfigError
from qrec.types import Row


@dataclass(frozen=True, kw_only=True)
class Error(Row):
    KEY: ClassVar[tuple[str, ...]] = ("objective", "rank")
    VALUES: ClassVar[tuple[str, ...]] = ("mse", "gates")
    objective: str | None
    rank: int
    mse: float
    mse_stderr: float | None = None
    gates: int | None = None


@dataclass(frozen=True, kw_only=True)
class Machine(Row):
    KEY: ClassVar[tuple[str, ...]] = ("what",)
    VALUES: ClassVar[tuple[str, ...]] = ("rate",)
    what: str
    rate: float


@dataclass(frozen=True, kw_only=True)
class Note(Row):
    text: str


FIRST = [
    Error(objective="original", rank=1, mse=0.5, mse_stderr=0.03, gates=12),
    Error(objective="original", rank=2, mse=0.25),
]
SECOND = [
    Error(objective="original", rank=2, mse=0.5),
    Error(objective="original", rank=1, mse=0.4, mse_stderr=0.04, gates=10),
    Error(objective=None, rank=1, mse=0.1),
]


def test_rows_are_matched_by_their_key_and_compared_with_the_first_run():
    found = compare_rows([("a", FIRST), ("b", SECOND)])
    by = {(r.name, r.key["objective"], r.key["rank"], r.run): r for r in found}
    changed = by["mse", "original", 1, "b"]
    assert changed.difference == pytest.approx(-0.1)
    assert changed.difference_stderr == pytest.approx(0.05)
    assert by["mse", "original", 2, "b"].difference == 0.25
    assert by["mse", "original", 2, "b"].difference_stderr is None
    assert by["gates", "original", 1, "b"].difference == -2
    assert by["mse", "original", 1, "a"].difference is None
    assert by["mse", None, 1, "b"].difference is None
    assert ComparedRow.from_dict(changed.as_dict()) == changed


def test_table_shows_a_dash_for_a_row_that_a_run_lacks():
    errors, gates = compare_tables(compare_rows([("a", FIRST), ("b", SECOND)]))
    assert errors.columns == ["objective", "rank", "run 1", "run 2", "2 - 1"]
    assert errors.rows == [
        ["original", "1", "0.500±0.030", "0.400±0.040", "-0.100±0.050"],
        ["original", "2", "0.25", "0.5", "+0.25"],
        ["-", "1", "-", "0.1", "-"],
    ]
    assert gates.rows[0] == ["original", "1", "12", "10", "-2"]
    assert gates.notes[:2] == ["run 1: a", "run 2: b"]
    assert "mse" in to_text(errors)


def test_one_run_is_shown_alone_and_a_type_that_one_lacks_with_dashes():
    [errors, _] = compare_tables(compare_rows([("a", FIRST)]))
    assert errors.columns == ["objective", "rank", "run 1"]
    more = [*FIRST, Machine(what="copy", rate=3e9)]
    tables = compare_tables(compare_rows([("a", FIRST), ("b", more)]))
    assert tables[2].rows == [["copy", "-", "3e+09", "-"]]


def test_runs_of_different_kinds_are_refused():
    with pytest.raises(ConfigError, match="run b holds Machine, run a holds Error; only runs of"):
        compare_rows([("a", FIRST), ("b", [Machine(what="copy", rate=1.0)])])
    with pytest.raises(ConfigError, match="run b holds no rows"):
        compare_rows([("a", FIRST), ("b", [])])
    with pytest.raises(ConfigError, match="no measured fields"):
        compare_rows([("a", [Note(text="x")]), ("b", [Note(text="x")])])


def test_two_rows_of_a_run_that_are_the_same_one_are_no_comparison():
    with pytest.raises(ValueError, match="two rows are Error"):
        compare_rows([("a", [FIRST[0], FIRST[0]])])


def test_very_small_errors_do_not_make_long_figures():
    tiny = Error(objective="o", rank=1, mse=1.25e-12, mse_stderr=3e-14)
    [errors, _] = compare_tables(compare_rows([("a", [tiny, *FIRST])]))
    assert errors.rows[0][2] == "1.25e-12±3e-14"
