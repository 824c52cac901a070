from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qrec.data import load_ratings
from qrec.data.table import ratings_from_columns
from qrec.errors import ConfigError, DataError


def load_csv(folder: Path, text: str, **options):
    path = folder / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return load_ratings("csv", path=path, **options)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("1,2,3\n1,3,6", "line 3: found rating 6.0, expected a number from 1 to 5"),
        ("1,2,3\n1,3,nan", "line 3: found rating 'nan', expected a number from 1 to 5"),
        ("1,2,3\n1,3,good", "line 3: found rating 'good', expected a number from 1 to 5"),
        ("1,2,3\n1,3,", "line 3: found rating '', expected a number from 1 to 5"),
        ("1,2,3\n5,2,4\n1,2,4", "line 4: found a second rating of item 2 by user 1.* line 2"),
        ("1,2,3\nx,3,4", "line 3: found user id 'x', expected a whole number"),
        ("1,2,3\n1,3.5,4", "line 3: found item id '3.5', expected a whole number"),
        ("1,2,3\n,3,4", "line 3: found no user id, expected one"),
        ("1,2,3\n\n1,3,4", "line 3: found rating '', expected"),
        ("", "no ratings, expected at least one"),
    ],
)
def test_a_bad_line_is_named(tmp_path, lines, message):
    with pytest.raises(DataError, match=f"mine.csv.*{message}"):
        load_csv(tmp_path, "\n".join(["user,item,rating", lines]))


def test_a_missing_column_is_named(tmp_path):
    message = "line 1: found the columns user, film, rating, expected one called 'item'"
    with pytest.raises(DataError, match=message):
        load_csv(tmp_path, "user,film,rating\n1,2,3\n")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv: no such file"):
        load_ratings("csv", path=tmp_path / "nowhere.csv")


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "zipped.csv"
    path.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(DataError, match=r"zipped\.csv.*expected"):
        load_ratings("csv", path=path)


def test_csv_options(tmp_path):
    text = "when;who;what;how much\n7;ann;Up, again;0.5\n9;bob;Up, again;10\n"
    names = {"user": "who", "item": "what", "rating": "how much", "timestamp": "when"}
    ratings = load_csv(tmp_path, text, **names, delimiter=";", scale=(0, 10))
    assert ratings.user_ids.tolist() == ["ann", "bob"]
    assert ratings.item_ids.tolist() == ["Up, again"]
    assert ratings.value.tolist() == [0.5, 10.0]
    assert ratings.timestamp.tolist() == [7, 9]
    assert ratings.scale == (0.0, 10.0)


def test_ids_can_be_declared_text(tmp_path):
    text = "user,item,rating\n1,2,3\n1b,2,4\n"
    assert load_csv(tmp_path, text, ids="text").user_ids.tolist() == ["1", "1b"]


def test_a_bad_timestamp_is_named(tmp_path):
    text = "user,item,rating,t\n1,2,3,2001-01-01\n"
    with pytest.raises(DataError, match="line 2: found timestamp '2001-01-01', expected whole"):
        load_csv(tmp_path, text, timestamp="t")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "x", "sep": ";"}, "no option 'sep'; its options: path, user"),
        ({"path": "x", "delimiter": "::"}, "found delimiter '::'"),
        ({"path": "x", "scale": (5, 1)}, "found scale"),
        ({"path": "x", "ids": "number"}, "found ids 'number'"),
    ],
)
def test_a_wrong_option_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        load_ratings("csv", **options)


pairs = st.lists(
    st.tuples(st.integers(-50, 50), st.integers(0, 10**12)), min_size=1, max_size=30, unique=True
)


@given(pairs, st.data())
def test_columns_survive_the_coding(pairs, data):
    users, items = np.array(pairs).T
    stars = st.integers(1, 5)
    rating = data.draw(st.lists(stars, min_size=len(pairs), max_size=len(pairs)))
    ratings = ratings_from_columns(users, items, rating, scale=(1, 5))
    np.testing.assert_array_equal(ratings.user_ids[ratings.user], users)
    np.testing.assert_array_equal(ratings.item_ids[ratings.item], items)
    np.testing.assert_array_equal(ratings.value, rating)
    assert ratings.user_ids.tolist() == sorted(set(users.tolist()))


@given(pairs, st.data())
def test_one_bad_rating_among_good_ones_is_found(pairs, data):
    users, items = np.array(pairs).T
    row = data.draw(st.integers(0, len(pairs) - 1))
    rating = np.full(len(pairs), 3.0)
    low, high = st.floats(max_value=0.999), st.floats(min_value=5.001)
    rating[row] = data.draw(st.one_of(low, high, st.just(np.nan)))
    with pytest.raises(DataError, match=f"ratings, line {row + 1}: found rating"):
        ratings_from_columns(users, items, rating, scale=(1, 5))


@given(pairs, st.data())
def test_a_repeated_pair_is_found(pairs, data):
    row = data.draw(st.integers(0, len(pairs) - 1))
    users, items = np.array([*pairs, pairs[row]]).T
    message = f"line {len(pairs) + 1}: found a second rating .*first is on line {row + 1}"
    with pytest.raises(DataError, match=message):
        ratings_from_columns(users, items, np.full(len(users), 3), scale=(1, 5))


@pytest.mark.parametrize("bad", [None, float("nan"), 1.5])
def test_an_id_of_the_wrong_type_is_found(bad):
    with pytest.raises(DataError, match=r"line 2: found (no user id|user id 1.5), expected"):
        ratings_from_columns([1, bad], [1, 2], [3, 3], scale=(1, 5))
