from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qrec.data import delimited, load_ratings
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
        ("1,10,4,5\n1,11,3,0", "line 2: found 4 fields, expected 3; a field that holds ','"),
        ("1,10,4\n1,11,3,0", "line 3: found 4 fields, expected 3"),
        ("1,10,4\n1,Monsters, Inc.,3", "line 3: found 4 fields, expected 3"),
        ("1,10,4\n1,11,3,", "line 3: found 4 fields, expected 3"),
        ('1,"a\nb",4\n2,x,3\n2,y,9', "line 5: found rating 9.0"),
        ('1,"a\nb",4\n2,x,3\n2,y,9,9', "line 5: found 4 fields"),
        ("7,x,4\n007,x,3", "line 3: found user id '007', expected a whole number without leading"),
        (
            "1,x,4\n18446744073709551615,x,3",
            'line 3: .* expected an integer of at most 64 bits.*"text',
        ),
        ("1,x,4\n,,\n2,x,3", "line 3: found rating '', expected"),
        ("1,x,4\n2," + "x" * 200_000 + ",9", "field larger than field limit"),
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


def ids_of(ratings):
    users = ratings.user_ids[ratings.user]
    return users.tolist(), users.dtype.kind


@pytest.mark.parametrize(
    ("users", "kind"),
    [
        (["007", "7"], "U"),
        (["0679781587", "679781587"], "U"),
        (["12e4", "120000"], "U"),
        (["+7", "7"], "U"),
        (["18446744073709551615", "1"], "U"),
        (["9223372036854775807", "9223372036854775806"], "i"),
        (["9007199254740993.0", "9007199254740992.0"], "i"),
        (["-2", "-1"], "i"),
        (["1.0", "2.0"], "i"),
        (["4.05", "4.5"], "U"),
    ],
)
@pytest.mark.parametrize("block", [1, 3, 1 << 18])
def test_ids_that_differ_stay_apart(tmp_path, monkeypatch, users, kind, block):
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", block)
    text = "user,item,rating\n" + "".join(f"{user},1,3\n" for user in users)
    expected = users if kind == "U" else [int(user.removesuffix(".0")) for user in users]
    assert ids_of(load_csv(tmp_path, text)) == (expected, kind)
    assert ids_of(load_csv(tmp_path, text, ids="text")) == (users, "U")


@pytest.mark.parametrize("name", ["NA", "nan", "NaN", "None", "null", "NULL", "<NA>", "n/a"])
def test_a_word_for_missing_is_an_id_only_where_ids_are_text(tmp_path, name):
    text = f"user,item,rating\nann,1,4\n{name},2,3\n"
    with pytest.raises(DataError, match=rf"line 3: found user id '{name}', expected an id, not"):
        load_csv(tmp_path, text)
    assert ids_of(load_csv(tmp_path, text, ids="text")) == (["ann", name], "U")


@pytest.mark.parametrize("ids", ["auto", "text", "integer"])
def test_an_empty_id_is_never_one(tmp_path, ids):
    with pytest.raises(DataError, match="line 3: found no item id, expected one"):
        load_csv(tmp_path, "user,item,rating\n1,1,4\n2,,3\n", ids=ids)


@pytest.mark.parametrize("end", ["\n", "\n\n", "\n\n\n", "\n,,\n"])
def test_empty_lines_may_end_a_file(tmp_path, end):
    precise = 0.30000000000000004  # read as exactly as without them
    ratings = load_csv(
        tmp_path, f"user,item,rating\n1,1,{precise}\nann,1,3{end}", scale=(0, 5), ids="text"
    )
    assert ratings.value.tolist() == [precise, 3.0]
    assert load_csv(tmp_path, f"user,item,rating\n1,1,2\n2,1,3{end}").user_ids.tolist() == [1, 2]


def test_a_column_that_is_not_asked_for_may_hold_anything(tmp_path):
    text = 'when,user,item,rating,note\n2005-09-06,1,1,4\n,2,1,3,"x, 007"\n'
    assert ids_of(load_csv(tmp_path, text)) == ([1, 2], "i")


def test_a_bad_timestamp_is_named(tmp_path):
    text = "user,item,rating,t\n1,2,3,2001-01-01\n"
    with pytest.raises(DataError, match="line 2: found timestamp '2001-01-01', expected whole"):
        load_csv(tmp_path, text, timestamp="t")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "x", "sep": ";"}, "no option 'sep'; its options: path, user"),
        ({"path": "x", "delimiter": ""}, "found delimiter ''"),
        ({"path": "x", "scale": (5, 1)}, "found scale"),
        ({"path": "x", "ids": "number"}, "found ids 'number', expected auto or integer or text"),
        ({"path": "x", "ids": 1}, "found ids 1, expected auto"),
        ({"path": 5}, "found path 5, expected text or Path"),
        ({"path": "x", "delimiter": 5}, "found delimiter 5, expected text"),
        ({"path": "x", "timestamp": 3}, "found .*timestamp 3; expected all by name"),
        ({"path": "x", "scale": 5}, "found scale 5, expected a list, each entry a finite number"),
        ({"path": "x", "scale": (1, "5")}, "found scale .* expected a list"),
        ({"path": "x", "scale": (float("nan"), 5)}, "found scale .* a finite number"),
        ({"path": "x", "scale": (1, float("inf"))}, "found scale .* a finite number"),
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


hidden = [False, True]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"user": np.ma.array([1, 2], mask=hidden)}, "line 2: found no user id, expected one"),
        ({"item": np.ma.array([1, 2], mask=hidden)}, "line 2: found no item id, expected one"),
        ({"rating": np.ma.array([3.0, 4.0], mask=hidden)}, "line 2: found rating None, expected"),
        ({"timestamp": np.ma.array([3, 4], mask=hidden)}, "line 2: found timestamp None, expected"),
        ({"item": [1]}, r"shapes user \(2,\), item \(1,\), rating \(2,\), expected as many"),
        ({"rating": [[3], [3]]}, r"rating \(2, 1\), expected as many"),
        ({"user": np.array([1, 2**64 - 1], np.uint64)}, "line 2: found user id .* 64 bits"),
        ({"timestamp": np.array([1, 2**64 - 1], np.uint64)}, "line 2: found timestamp .*whole"),
    ],
)
def test_a_column_that_would_be_misread_is_refused(columns, message):
    good = {"user": [1, 2], "item": [1, 2], "rating": [3.0, 3.0]}
    with pytest.raises(DataError, match=message):
        ratings_from_columns(**good | columns, scale=(1, 5))


def test_a_mask_that_hides_nothing_is_no_matter():
    users = np.ma.array([7, 8], mask=[False, False])
    assert ratings_from_columns(users, [1, 2], [3, 3], scale=(1, 5)).user_ids.tolist() == [7, 8]


@pytest.mark.parametrize("bad", [None, float("nan"), 1.5])
def test_an_id_of_the_wrong_type_is_found(bad):
    with pytest.raises(DataError, match=r"line 2: found (no user id|user id 1.5), expected"):
        ratings_from_columns([1, bad], [1, 2], [3, 3], scale=(1, 5))
