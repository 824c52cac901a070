import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import KFold, cross_val_score, train_test_split

from qrec.data import Ratings, load_ratings
from qrec.data.ratings import ROW_FIELDS
from qrec.errors import DataError


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    return load_ratings("synthetic", n_users=40, n_items=70, n_ratings=900)


@given(data=st.data())
def test_indexing_takes_the_same_rows_of_every_column(data, ratings):
    rows = data.draw(st.lists(st.integers(0, len(ratings) - 1), min_size=1, max_size=30))
    part = ratings[np.array(rows)]
    for name in ROW_FIELDS:
        np.testing.assert_array_equal(getattr(part, name), getattr(ratings, name)[rows])
    assert part.shape == (len(rows),)
    assert part.n_users == ratings.n_users
    assert part.n_items == ratings.n_items


def test_indexing_by_mask_slice_and_number(ratings):
    mask = ratings.value == 5
    assert np.all(ratings[mask].value == 5)
    assert len(ratings[10:20]) == 10
    assert len(ratings[3]) == 1


def test_scikit_learn_splits_ratings(ratings):
    train, test = train_test_split(ratings, test_size=0.25, random_state=0)
    assert isinstance(train, Ratings)
    assert (len(train), len(test)) == (675, 225)
    sizes = [len(ratings[rows]) for _, rows in KFold(3).split(ratings)]
    assert sizes == [300, 300, 300]


class _Mean(RegressorMixin, BaseEstimator):
    def fit(self, ratings, y):
        assert np.array_equal(ratings.value, y)
        self.mean_ = ratings.value.mean()
        return self

    def predict(self, ratings):
        return np.full(len(ratings), self.mean_)


def test_cross_val_score_takes_ratings(ratings):
    scores = cross_val_score(_Mean(), ratings, ratings.value, cv=3)
    assert scores.shape == (3,)
    assert np.all(np.isfinite(scores))


def test_noise_floor_is_of_the_rows_at_hand(ratings):
    noisy = ratings[np.argsort(ratings.oracle_variance)[-50:]]
    assert noisy.noise_floor == pytest.approx(np.sqrt(noisy.oracle_variance.mean()))
    assert noisy.noise_floor > ratings.noise_floor


def test_encode_turns_ids_into_the_codes_of_their_rows(ratings):
    users, items = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
    np.testing.assert_array_equal(ratings.encode(users, items), ratings.pairs)


def test_encode_names_an_unknown_id(ratings):
    with pytest.raises(DataError, match=r"item id .*999.* is not among the 70 items"):
        ratings.encode([1], [999])


@pytest.mark.parametrize(
    ("users", "items", "message"),
    [
        ([None], [1], "user id None is not among the 40 users, whose ids are whole numbers such"),
        (["1"], [1], "user id '1' is not among"),
        ([[1]], [1], r"user id \[1\] is not among"),
        ([float("nan")], [1], "user id nan is not among"),
        (np.ma.array([1, 2], mask=[False, True]), [1, 2], "user id None is not among"),
        ([1, 2], [1], "found 2 user ids and 1 item ids, expected as many"),
    ],
)
def test_encode_names_what_is_no_id(ratings, users, items, message):
    with pytest.raises(DataError, match=message):
        ratings.encode(users, items)


def test_encode_takes_whole_floats_and_nothing(ratings):
    assert ratings.encode([2.0], [1]).tolist() == ratings.encode([2], [1]).tolist()
    assert ratings.encode([], []).shape == (0, 2)
