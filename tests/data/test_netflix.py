import pytest

from qrec.data import load_ratings
from qrec.data.datasets import netflix
from qrec.errors import DataError, MissingError

FIRST = "1:\n30,4,2005-09-06\n7,1,2004-02-29\n2:\n3:\n7,5,1970-01-02\n"
SECOND = "4:\n30,2,2003-12-31\n8,3,2005-05-05\n"


def load(folder, *texts):
    (folder / "netflix").mkdir(exist_ok=True)
    for number, text in enumerate(texts, 1):
        (folder / "netflix" / f"combined_data_{number}.txt").write_text(text)
    return load_ratings("netflix", data_dir=folder)


@pytest.mark.parametrize("block", [1, 10, 25, 1 << 20])
def test_files_are_joined_whatever_the_blocks(tmp_path, monkeypatch, block):
    monkeypatch.setattr(netflix, "_BLOCK_BYTES", block)
    ratings = load(tmp_path, FIRST, SECOND)
    users, items = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
    rows = list(zip(users, items, ratings.value, strict=True))
    assert rows == [(30, 1, 4), (7, 1, 1), (7, 3, 5), (30, 4, 2), (8, 4, 3)]
    assert ratings.user_ids.tolist() == [7, 8, 30]
    assert ratings.item_ids.tolist() == [1, 3, 4]
    assert ratings.timestamp[2] == 86_400


@pytest.mark.parametrize("block", [1, 25, 1 << 20])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30,4,2005-09-06\n", "line 1: found '30,4,2005-09-06', expected <item>: or, after one"),
        ("1:\n30,4,2005-09-06\n31,,\n", "line 3: found '31,,'"),
        ("1:\n30,4,2005-09-06\n31,5\n", "line 3: found '31,5'"),
        ("1:\n30,4,2005-09-06\n31,good,2005-09-06\n", "line 3: found '31,good,2005-09-06'"),
        ("1:\n30,4,06.09.2005\n", "line 2: found '30,4,06.09.2005'"),
        ("1:\n30,6,2005-09-06\n", "line 2: found rating 6.0, expected a number from 1 to 5"),
        ("1:\n30,4,2005-09-06\n2:\n3,4,2005-09-06\n3,5,2005-09-06\n", "line 5: found a second"),
        ("1:\n30,4,2005-02-31\n", "date that does not exist"),
        ("1:\n30,4,NaT\n", "line 2: found '30,4,NaT'"),
        ("1:\n30,4,today\n", "line 2: found '30,4,today'"),
        ("1:\n30,4,2005-09\n", "line 2: found '30,4,2005-09'"),
        ("1:\n30,4,20050906\n", "line 2: found '30,4,20050906'"),
        ("1:\n30,4.5,2005-09-06\n", "line 2: found '30,4.5,2005-09-06'"),
        ("1:\n7,30,4,2005-09-06\n", "line 2: found '7,30,4,2005-09-06'"),
        ("1:\n30,4,2005-09-06,\n", "line 2: found '30,4,2005-09-06,'"),
        ("1:\n30,4,2005-09-06\n030,4,2005-09-06\n", "line 3: found '030,4,2005-09-06'"),
        ("1:\n-3,4,2005-09-06\n", "line 2: found '-3,4,2005-09-06'"),
        ("1:\n99999999999999999999,4,2005-09-06\n", "line 2: found '9999"),
        ("", "no ratings"),
        ("1:\n", "no ratings"),
    ],
)
def test_a_bad_line_is_named(tmp_path, monkeypatch, block, text, message):
    monkeypatch.setattr(netflix, "_BLOCK_BYTES", block)
    with pytest.raises(DataError, match=f"combined_data_1.txt.*{message}"):
        load(tmp_path, text)


def test_an_item_in_two_files_is_refused(tmp_path):
    with pytest.raises(DataError, match="found item 4 in more than one of the files"):
        load(tmp_path, FIRST, SECOND, SECOND)


def test_it_says_where_to_get_the_files(tmp_path):
    with pytest.raises(MissingError, match=r"combined_data_\*\.txt in .*kaggle\.com"):
        load_ratings("netflix", data_dir=tmp_path)
