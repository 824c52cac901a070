"""Tables with named columns: pandas here, others where they are installed."""

import datetime as dt
import gzip
import importlib.util

import numpy as np
import pandas as pd
import pytest

import qrec
from qrec.data import delimited, frames, load_ratings
from qrec.data.datasets import csv, table
from qrec.errors import ConfigError, DataError, MissingError
from qrec.recommenders import ALS

COLUMNS = {
    "who": ["ann", "bob", "ann"],
    "film": [7, 7, 3],
    "stars": [4.5, 1.0, 3.0],
    "when": [10, 20, 30],
}
NAMES = {"user": "who", "item": "film", "rating": "stars"}
GIVEN = pd.DataFrame(COLUMNS)


class Relation:
    """What DuckDB gives: columns by one call, masked where something is missing."""

    def fetchnumpy(self):
        return {name: np.ma.array(column) for name, column in COLUMNS.items()}


class Frame:
    """What polars gives: names in a list, columns that become arrays."""

    columns = list(COLUMNS)  # noqa: RUF012

    def __getitem__(self, name):
        return GIVEN[name]


RECORDS = np.rec.fromarrays(list(COLUMNS.values()), names=list(COLUMNS))


@pytest.mark.parametrize("given", [GIVEN, COLUMNS, Relation(), Frame(), RECORDS])
def test_anything_with_named_columns_is_ratings(given):
    found = qrec.ratings(given, **NAMES, timestamp="when", scale=(0.5, 5))
    assert found.user_ids[found.user].tolist() == COLUMNS["who"]
    assert found.item_ids[found.item].tolist() == COLUMNS["film"]
    assert found.value.tolist() == COLUMNS["stars"]
    assert found.timestamp.tolist() == COLUMNS["when"]
    assert found.scale == (0.5, 5.0)


@pytest.mark.parametrize("library", ["polars", "pyarrow", "duckdb"])
def test_tables_of_other_libraries(library):
    module = pytest.importorskip(library)
    when = [dt.datetime.fromtimestamp(second, dt.UTC) for second in COLUMNS["when"]]
    columns = COLUMNS | {"when": when}
    if library == "duckdb":
        made = module.sql(
            "select * from (values ('ann',7,4.5::double,10),('bob',7,1,20),('ann',3,3,30)) "
            't(who, film, stars, "when")'
        )
    else:
        made = module.DataFrame(columns) if library == "polars" else module.table(columns)
    found = qrec.ratings(made, **NAMES, timestamp="when")
    pd.testing.assert_frame_equal(
        found.to_pandas(), GIVEN.set_axis(["user", "item", "rating", "timestamp"], axis=1)
    )


def test_ratings_come_back_from_a_frame():
    first = qrec.Ratings.from_pandas(GIVEN, **NAMES, time="when", scale=(0, 5))
    again = qrec.Ratings.from_pandas(first.to_pandas(), time="timestamp", scale=first.scale)
    for name in ("user", "item", "value", "user_ids", "item_ids", "timestamp"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
    assert again.scale == first.scale
    assert "timestamp" not in qrec.Ratings.from_pandas(GIVEN, **NAMES).to_pandas()


def test_a_scale_that_is_not_said_is_that_of_the_ratings():
    assert qrec.Ratings.from_pandas(GIVEN, **NAMES).scale == (1.0, 4.5)
    with pytest.raises(DataError, match="all ratings are 4, expected a scale to be said"):
        qrec.ratings({"user": [1, 2], "item": [1, 2], "rating": [4, 4]})


@pytest.mark.parametrize("scale", [(5, 1), (1,), (float("nan"), 5)])
def test_a_scale_that_is_none(scale):
    with pytest.raises(DataError, match=r"found scale .* expected the lowest and highest rating"):
        qrec.ratings(GIVEN, **NAMES, scale=scale)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"who": ["ann", None, "bob"]}, "frame, column 'who', row 2: found no user id"),
        ({"film": [7, np.nan, 3]}, "frame, column 'film', row 2: found no item id"),
        ({"film": pd.array([7, None, 3], "Int64")}, "column 'film', row 2: found no item id"),
        ({"stars": [4.5, np.nan, 3]}, "column 'stars', row 2: found rating nan, expected a number"),
        ({"stars": ["4", "much", "3"]}, "column 'stars', row 2: found rating 'much'"),
        ({"stars": [4, np.inf, 3]}, "column 'stars', row 2: found rating inf"),
        ({"when": [1, 2.5, 3]}, r"column 'when', row 2: found timestamp 2\.5, expected whole"),
        ({"when": ["1", "noon", "3"]}, "column 'when', row 2: found timestamp 'noon'"),
        ({"when": pd.to_datetime(["2020-01-01", None, "2020-01-02"])}, "row 2: found timestamp"),
        ({"who": ["ann", "bob", "bob"], "film": [7, 7, 7]},
         r"frame, row 3: found a second rating of item 7 by user bob, .*the first is in row 2\)"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_named_with_row_and_column(changes, message):
    with pytest.raises(DataError, match=message):
        qrec.Ratings.from_pandas(GIVEN.assign(**changes), **NAMES, time="when", scale=(1, 5))


NOON = 1_577_880_000  # 2020-01-01, 12:00 UTC


@pytest.mark.parametrize(
    "times",
    [
        pd.to_datetime(["2020-01-01 12:00"] * 3),
        pd.to_datetime(["2020-01-01 12:00:00.9"] * 3).astype("datetime64[ms]"),
        pd.to_datetime(["2020-01-01 13:00"] * 3).tz_localize("Europe/Berlin"),
        pd.Series([dt.datetime(2020, 1, 1, 12)] * 3, dtype=object),
    ],
    ids=["naive", "parts of seconds", "with a zone", "objects"],
)
def test_times_become_seconds(times):
    frame = GIVEN.assign(when=times)
    assert qrec.Ratings.from_pandas(frame, **NAMES, time="when").timestamp.tolist() == [NOON] * 3


@pytest.mark.parametrize("given", [3, [1, 2], "ratings.csv", None, np.zeros((3, 3))])
def test_what_is_no_table(given):
    with pytest.raises(DataError, match=r"table: found a \w+, expected a table with named columns"):
        qrec.ratings(given)


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match=r"columns who, film, stars, when, expected one .* 'user'"):
        qrec.ratings(GIVEN)


def test_a_frame_where_ratings_are_needed_says_what_to_do():
    with pytest.raises(ConfigError, match=r"found a DataFrame.*qrec\.ratings\(table, user="):
        load_ratings(GIVEN)
    with pytest.raises(ConfigError, match=r"ALS\.fit: found a DataFrame.*qrec\.ratings\(table"):
        ALS().fit(GIVEN)


def write(folder, name, frame=GIVEN):
    path = folder / name
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
    return path


KINDS = ["r.csv", "r.tsv", "r.csv.gz", "r.tsv.gz", "r.parquet"]


@pytest.fixture(params=KINDS)
def kind(request):
    if request.param == "r.parquet":
        pytest.importorskip("pyarrow")
    return request.param


def test_a_table_in_a_file_is_read_by_its_ending(kind, tmp_path):
    write(tmp_path, kind)
    found = load_ratings("table", path=kind, **NAMES, timestamp="when", data_dir=tmp_path)
    assert found.to_pandas().to_numpy().tolist() == GIVEN.to_numpy().tolist()
    assert found.scale == (1.0, 4.5)


def test_a_wrong_entry_of_a_file_is_named(kind, tmp_path):
    path = write(tmp_path, kind, GIVEN.assign(stars=[4, 6, 3]))
    place = "row 2" if kind == "r.parquet" else "line 3"
    with pytest.raises(DataError, match=rf"{kind}, column 'stars', {place}: found rating 6"):
        load_ratings("table", path=path, **NAMES, scale=(1, 5))
    with pytest.raises(DataError, match=r"found the columns who, film, stars, when, .*'user'"):
        load_ratings("table", path=path)


def test_a_file_is_parsed_once_for_each_way_to_read_it(kind, tmp_path, monkeypatch):
    path = write(tmp_path, kind)
    first = load_ratings("table", path=path, **NAMES)
    with monkeypatch.context() as patch:
        patch.setattr(csv, "read_table", lambda *_, **__: pytest.fail("parsed again"))
        patch.setattr(table, "read_parquet", lambda *_: pytest.fail("parsed again"))
        again = load_ratings("table", path=path, **NAMES)
    assert again.to_pandas().equals(first.to_pandas())
    turned = load_ratings("table", path=path, user="film", item="who", rating="stars")
    assert turned.user_ids.tolist() == [3, 7]
    assert load_ratings("table", path=path, **NAMES, scale=(0, 9)).scale == (0.0, 9.0)


def test_a_file_of_another_ending(tmp_path):
    with pytest.raises(ConfigError, match=r"r\.xlsx', expected one that ends in \.parquet"):
        load_ratings("table", path=tmp_path / "r.xlsx")
    with pytest.raises(ConfigError, match="data set 'table': found scale"):
        load_ratings("table", path="r.parquet", scale=[5, 1])


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "r.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingError, match=r"needs pyarrow: pip install 'qrec\[parquet\]'"):
        load_ratings("table", path=tmp_path / "r.parquet")


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="needs pyarrow")
def test_what_is_no_parquet(tmp_path):
    (tmp_path / "r.parquet").write_bytes(b"user,item,rating\n")
    with pytest.raises(DataError, match=r"r\.parquet: .*; expected a Parquet file"):
        load_ratings("table", path=tmp_path / "r.parquet")
    with pytest.raises(DataError, match=r"no\.parquet: no such file"):
        frames.read_parquet(tmp_path / "no.parquet", {})


ROWS = [("1", "é, x", "4", "10"), ("2", "y", "3", "20")]


@pytest.mark.parametrize("delimiter", [",", "\t", "::", "§", " | "])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
@pytest.mark.parametrize("zipped", [False, True])
def test_text_without_a_header_of_any_delimiter_and_encoding(tmp_path, delimiter, encoding, zipped):
    quoted = [[f'"{field}"' if delimiter in field else field for field in row] for row in ROWS]
    content = "".join(delimiter.join(row) + "\n" for row in quoted).encode(encoding)
    path = tmp_path / ("r.dat.gz" if zipped else "r.dat")
    path.write_bytes(gzip.compress(content) if zipped else content)
    places = {"user": 0, "item": 1, "rating": 2, "timestamp": 3}
    found = load_ratings("csv", path=path, **places, delimiter=delimiter, encoding=encoding)
    assert found.user_ids.tolist() == [1, 2]
    assert sorted(found.item_ids.tolist()) == ["y", "é, x"]
    assert found.timestamp.tolist() == [10, 20]


def test_a_line_of_a_file_with_a_long_delimiter_is_named(tmp_path):
    (tmp_path / "r.dat").write_text("1::2::3\n1::3::9\n")
    places = {"user": 0, "item": 1, "rating": 2, "path": tmp_path / "r.dat", "delimiter": "::"}
    with pytest.raises(DataError, match=r"r\.dat, line 2: found rating 9"):
        load_ratings("csv", **places)
    (tmp_path / "r.dat").write_text("1::2::3\n1::3::9::4\n")
    with pytest.raises(DataError, match=r"line 2: found 4 fields, expected 3; a decimal a point"):
        load_ratings("csv", **places)
    (tmp_path / "r.dat").write_text("1::2::3\n1::\x1f3::4\n")
    with pytest.raises(DataError, match=r"found the character .*beside the delimiter ::"):
        load_ratings("csv", **places)


@pytest.mark.parametrize("content", [b"user,item,rating\n1,2,3\n", gzip.compress(b"x" * 99)[:-9]])
def test_a_broken_gz_is_named(tmp_path, content):
    (tmp_path / "r.csv.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"r\.csv\.gz: .*; expected UTF-8 text with the columns"):
        load_ratings("csv", path=tmp_path / "r.csv.gz")


def test_ids_that_differ_stay_apart_in_any_encoding(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", 3)
    (tmp_path / "r.csv").write_text("user,item,rating\n07,1,3\n7,1,4\n", encoding="utf-16")
    found = load_ratings("csv", path=tmp_path / "r.csv", ids="text", encoding="utf-16")
    assert found.user_ids.tolist() == ["07", "7"]
    assert load_ratings("csv", path=tmp_path / "r.csv", encoding="utf-16").n_users == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "r.parquet"}, "found path 'r.parquet', .*the data set 'table' reads"),
        ({"encoding": "utf-99"}, "found encoding 'utf-99', expected one that Python knows"),
        ({"encoding": "hex"}, "found encoding 'hex', expected one that Python knows"),
        ({"delimiter": '"'}, "found delimiter '\"', expected characters"),
        ({"user": 0}, "found user 0, item 'item', .*expected all by name"),
        ({"user": -1, "item": 1, "rating": 2}, "found user -1, .*by position from 0"),
    ],
)
def test_options_that_fit_no_file(options, message):
    with pytest.raises(ConfigError, match=message):
        load_ratings("csv", **{"path": "x"} | options)
