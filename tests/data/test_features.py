"""Side data: its matrix, and the files of MovieLens that it comes from."""

import os
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from qrec.data import Features, load_ratings
from qrec.data.datasets import movielens
from qrec.data.features import side_matrix
from qrec.errors import DataError

RATINGS = "1\t2\t5\t881250949\n2\t1\t3\t881250949\n2\t3\t4\t881250950\n"
USERS = "2|53|F|other|94043\n1|24|M|technician|85711\n9|30|M|none|1\n"


def film(number: int, date: str, *genres: int, title: str = "Caf\xe9") -> str:
    flags = ["1" if place in genres else "0" for place in range(19)]
    return "|".join([str(number), title, date, "", "", *flags]) + "\n"


ITEMS = film(1, "4-Feb-1971", 5, 1) + film(2, "") + film(4, "01-Jan-1995", 2)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An ml-100k of invented ratings with its side files."""
    monkeypatch.setenv("QREC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(movielens, "check_sha256", lambda *_: None)
    files = {"u.data": RATINGS, "u.user": USERS, "u.item": ITEMS}
    (tmp_path / "ml-100k").mkdir()
    for name, text in files.items():
        (tmp_path / "ml-100k" / name).write_text(text, encoding="latin-1")
    return tmp_path


def load(folder):
    return load_ratings("ml-100k", data_dir=folder)


def test_side_files_are_columns_in_the_order_of_the_ids(folder):
    for _ in range(2):  # parsed, then from the cache
        features = load(folder).features
        assert_array_equal(features.user["age"], [24.0, 53.0])
        assert features.user["gender"].tolist() == ["M", "F"]
        assert features.user["occupation"].tolist() == ["technician", "other"]
        assert features.item["genres"].tolist() == ["Action|Comedy", "", ""]
        assert_array_equal(features.item["year"], [1971.0, np.nan, np.nan])


def test_one_side_alone_and_none(folder):
    (folder / "ml-100k" / "u.item").unlink()
    features = load(folder).features
    assert list(features.user) == ["age", "gender", "occupation"]
    assert not features.item
    (folder / "ml-100k" / "u.user").unlink()
    assert load(folder).features is None


def test_a_side_file_that_changes_is_read_again(folder):
    assert load(folder).features.user["age"][0] == 24
    path = folder / "ml-100k" / "u.user"
    path.write_text(USERS.replace("1|24", "1|42"))
    os.utime(path, (0, 0))
    assert load(folder).features.user["age"][0] == 42


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("u.user", USERS + "3|4|F\n", "u.user, line 4: found 3 fields, expected 5"),
        ("u.user", "1|old|F|other|1\n", "u.user, line 1: found age 'old', expected a whole number"),
        ("u.user", "x|24|F|other|1\n", "line 1: found user id 'x', expected a whole number"),
        ("u.user", USERS + USERS, "line 4: found a second row of 2, expected one"),
        ("u.user", "\n", "u.user: found no rows, expected one per line"),
        ("u.item", film(1, "")[:-3] + "\n", "u.item, line 1: found 23 fields, expected 24"),
        ("u.item", film(1, "").replace("|0", "|2", 1), r"line 1: found genres '2\|0.* 0 or 1"),
        ("u.item", ITEMS + film(5, "1995"), "line 4: found release date '1995', expected such as"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(folder, name, text, message):
    (folder / "ml-100k" / name).write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=message):
        load(folder)


def examples(name, tmp_path, **changed):
    [entry] = [dataset for dataset in movielens.DATASETS if dataset.name == name]
    for path, text in entry.example.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(changed.get(path.rpartition("/")[2], text))
    return load_ratings(name, data_dir=tmp_path)


def test_ml_1m_tells_of_users_and_films(tmp_path):
    features = examples("ml-1m", tmp_path).features
    assert_array_equal(features.user["age"], [25.0, 56.0])
    assert features.user["gender"].tolist() == ["F", "M"]
    assert features.item["genres"].tolist() == ["Comedy|Romance", "Comedy"]


@pytest.mark.parametrize("name", ["ml-10m", "ml-25m"])
def test_larger_ones_tell_of_films_alone(name, tmp_path):
    features = examples(name, tmp_path).features
    assert not features.user
    assert features.item["genres"][0] == "Comedy|Romance"
    assert features.item["year"][0] == 1995
    if name == "ml-25m":
        assert features.item["genres"][1] == ""
        assert np.isnan(features.item["year"][1])


def test_a_film_without_a_field_is_named(tmp_path):
    changed = {"movies.csv": 'movieId,title,genres\n7,"a\nb",Comedy\n12,Comedy\n'}
    with pytest.raises(DataError, match=r"movies.csv, line 4: found 2 fields, expected film id"):
        examples("ml-25m", tmp_path, **changed)


def test_text_in_another_encoding_is_named(tmp_path):
    examples("ml-10m", tmp_path)
    (tmp_path / "ml-10M100K" / "movies.dat").write_bytes(b"7::Caf\xe9 (1995)::Comedy\n")
    with pytest.raises(DataError, match=r"movies.dat: .*utf-8.* expected the file as published"):
        load_ratings("ml-10m", data_dir=tmp_path)


def test_ml_100k_knows_every_user(data_dir):
    features = load_ratings("ml-100k", data_dir=data_dir).features
    assert features.user["age"].mean() == pytest.approx(34.05, abs=0.01)
    assert (features.user["gender"] == "M").sum() == 670
    assert np.isnan(features.item["year"]).sum() == 1


def test_parts_keep_the_features_and_sizes_are_checked():
    ratings = load_ratings("synthetic", n_users=30, n_items=70, n_ratings=600)
    known = replace(ratings, features=Features({"age": np.arange(30.0)}))
    assert known[:10].features is known.features
    with pytest.raises(DataError, match=r"item feature 'year': found 3 entries, .* 70 items"):
        replace(ratings, features=Features(item={"year": np.arange(3.0)}))


@pytest.mark.parametrize("column", [np.arange(3), np.zeros((3, 1)), np.array([None, "a"])])
def test_a_column_is_of_floats_or_of_text(column):
    with pytest.raises(DataError, match=r"user feature 'age': found .*; expected a list of floats"):
        Features({"age": column})


def test_text_and_its_several_values_become_columns_of_length_1():
    matrix, names = side_matrix({"genres": np.array(["b|a", "", "b", "c|c"])})
    assert names == ["genres=a", "genres=b", "genres=c"]
    half = np.sqrt(0.5)
    assert_allclose(matrix, [[half, half, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_numbers_become_bins_that_hold_about_as_many():
    values = np.append(np.random.default_rng(0).gamma(2, size=2400), np.nan)
    matrix, names = side_matrix({"age": values})
    assert matrix.shape == (2401, 12)
    assert_allclose(matrix[:-1].sum(axis=1), 1)
    assert not matrix[-1].any()
    assert_allclose(matrix.sum(axis=0), 200, atol=2)
    assert names[0] == f"age>={np.nanmin(values):g}"
    few, names = side_matrix({"age": np.array([18.0, 25, np.nan, 18])})
    assert_array_equal(few, [[1, 0], [0, 1], [0, 0], [1, 0]])
    assert names == ["age>=18", "age>=25"]


def test_no_columns_are_no_matrix_and_all_unknown_is_nothing():
    assert side_matrix({})[0].shape == (0, 0)
    assert side_matrix({"age": np.full(3, np.nan)})[0].shape == (3, 0)
