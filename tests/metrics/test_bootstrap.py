"""Intervals by drawing users again: known cases, coverage, and what would make them too narrow."""

import numpy as np
import pytest

from qrec.metrics import rmse_difference
from qrec.metrics.bootstrap import UserBootstrap


def drawn(seed: int, n_users: int = 60, n: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return users and two rows of errors, that of a user's pairs being alike."""
    draw = np.random.default_rng(seed)
    users = np.repeat(np.arange(n_users), n)
    common = draw.normal(size=n_users)[users] + draw.normal(size=len(users))
    own = draw.normal(scale=0.3, size=n_users)[users]
    return users, common + own, common


def test_the_interval_is_that_of_the_clustered_standard_error() -> None:
    users, a, b = drawn(0, n_users=400)
    found = UserBootstrap([users], n_resamples=4000)
    interval = found.difference(found.rmse([a]), found.rmse([b]))
    expected = rmse_difference(np.zeros(len(a)), a, b, users)
    assert interval.value == pytest.approx(expected.value)
    assert interval.low == pytest.approx(expected.low, abs=0.1 * expected.stderr)
    assert interval.high == pytest.approx(expected.high, abs=0.1 * expected.stderr)


def test_pairs_of_one_user_stay_together() -> None:
    users, a, b = drawn(1)
    together = UserBootstrap([users])
    apart = UserBootstrap([np.arange(len(users))])
    wide, narrow = (one.difference(one.rmse([a]), one.rmse([b])) for one in (together, apart))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_seeds_that_disagree_widen_the_interval() -> None:
    users, _, b = drawn(2)
    steady, moved = [1.02 * b] * 3, [0.96 * b, 1.02 * b, 1.08 * b]
    found = UserBootstrap([users] * 3)
    base = found.rmse([b] * 3)
    narrow, wide = (found.difference(found.rmse(rows), base) for rows in (steady, moved))
    assert narrow.value == pytest.approx(wide.value)
    assert narrow.low > 0
    assert wide.low < 0 < wide.high


def test_users_are_the_same_people_under_every_seed() -> None:
    users, a, b = drawn(3)
    one, three = UserBootstrap([users]), UserBootstrap([users] * 3)
    single = one.difference(one.rmse([a]), one.rmse([b]))
    same = three.difference(three.rmse([a] * 3), three.rmse([b] * 3))
    assert same.high - same.low == pytest.approx(single.high - single.low, rel=0.1)


def test_a_row_against_itself_is_zero() -> None:
    users, a, _ = drawn(4)
    found = UserBootstrap([users])
    interval = found.difference(found.rmse([a]), found.rmse([a]))
    assert (interval.value, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_a_handful_of_users_tells_nothing() -> None:
    users, a, b = drawn(5, n_users=9)
    found = UserBootstrap([users])
    interval = found.difference(found.rmse([a]), found.rmse([b]))
    assert np.isfinite(interval.value)
    assert np.isnan([interval.low, interval.high]).all()
