"""A history holds what was strictly earlier, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from timed_ratings import timed_ratings

from qrec.data import Ratings
from qrec.data.history import History
from qrec.errors import DataError

SIZE = 4


def by_hand(codes: np.ndarray, others: np.ndarray, times: np.ndarray, code, time, ties) -> list:
    """Return the rows of a code's ratings before a time, newest first, one by one."""
    found = []
    for row in range(len(codes)):
        earlier = times[row] <= time if ties else times[row] < time
        if codes[row] == code and earlier:
            found.append((-times[row], -others[row], row))
    return [row for *_, row in sorted(found)]


@pytest.mark.parametrize("ties", [False, True])
@given(seed=st.integers(0, 10_000))
def test_histories_are_those_found_one_by_one(ties: bool, seed: int) -> None:
    every = timed_ratings(seed)
    train, asked = every[::2], every[1::2]
    history = History(train, ties=ties)
    for side, other, last, count in (
        ("user", "item", history.of_users, history.count_of_users),
        ("item", "user", history.of_items, history.count_of_items),
    ):
        codes, others = getattr(train, side), getattr(train, other)
        for targets in (train, asked):
            rows = last(getattr(targets, side), targets.timestamp, SIZE)
            counts = count(getattr(targets, side), targets.timestamp)
            for n, (code, time) in enumerate(
                zip(getattr(targets, side), targets.timestamp, strict=True)
            ):
                expected = by_hand(codes, others, train.timestamp, code, time, ties)
                assert counts[n] == len(expected)
                padded = expected[:SIZE] + [-1] * (SIZE - len(expected))
                assert rows[n].tolist() == padded


def test_now_is_after_all_ratings() -> None:
    train = timed_ratings(1)
    history, pairs = History(train), train.pairs
    times = history.times(pairs)
    assert (times > train.timestamp.max()).all()
    assert_array_equal(
        history.count_of_users(pairs[:, 0], times), np.bincount(train.user)[train.user]
    )
    assert_array_equal(history.times(train), train.timestamp)


def test_the_order_of_training_ratings_is_nothing_to_a_history() -> None:
    train = timed_ratings(2)
    order = np.random.default_rng(0).permutation(len(train))
    one = History(train).of_users(train.user, train.timestamp, SIZE)
    other = History(train[order]).of_users(train.user, train.timestamp, SIZE)
    assert_array_equal(np.where(one < 0, -1, one), np.where(other < 0, -1, order[other]))


def test_ratings_without_times_have_no_history() -> None:
    timed = timed_ratings(3)
    train = Ratings(timed.user, timed.item, timed.value, timed.user_ids, timed.item_ids, (1, 5))
    with pytest.raises(DataError, match="needs timestamps"):
        History(train)
