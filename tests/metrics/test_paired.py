"""Paired differences of RMSE."""

import numpy as np
import pytest

from qrec.metrics import SeededDifference, rmse, rmse_difference, seeded_rmse_difference


def test_difference_of_two_rmse_on_the_pairs_both_score():
    truth = np.zeros(4)
    a, b = np.array([1.0, 1.0, np.nan, 3.0]), np.array([2.0, 2.0, 9.0, np.nan])
    found = rmse_difference(truth, a, b, np.arange(4))
    assert (found.n, found.rmse_a, found.rmse_b, found.value) == (2, 1.0, 2.0, -1.0)
    assert found.low <= found.value <= found.high


def test_nothing_in_common_gives_no_difference():
    found = rmse_difference(np.zeros(1), np.array([np.nan]), np.ones(1), np.zeros(1, int))
    assert found.n == 0
    assert np.isnan(found.value)


def test_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    users = np.repeat(np.arange(60), 5)
    covered = 0
    for _ in range(400):
        shared = rng.normal(size=300) + rng.normal(size=60)[users]
        a, b = shared + 0.3 * rng.normal(size=300), shared + 0.5 * rng.normal(size=300)
        found = rmse_difference(np.zeros(300), a, b, users)
        covered += found.low <= np.sqrt(2.09) - np.sqrt(2.25) <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_paired_error_is_far_below_that_of_the_rows():
    rng = np.random.default_rng(2)
    errors, users = rng.normal(size=500), np.arange(500)
    found = rmse_difference(np.zeros(500), errors, errors + 0.01 * rng.normal(size=500), users)
    assert found.stderr < 0.1 * rmse(np.zeros(500), errors, users).stderr


def test_swapping_the_two_changes_the_sign_alone():
    rng = np.random.default_rng(3)
    a, b, users = rng.normal(size=50), rng.normal(size=50), np.arange(50) % 7
    forth, back = (rmse_difference(np.zeros(50), *ab, users) for ab in ((a, b), (b, a)))
    assert forth.value == pytest.approx(-back.value)
    assert forth.stderr == pytest.approx(back.stderr)


def test_seeds_that_agree_give_the_interval_of_one():
    rng = np.random.default_rng(3)
    (truth, a, b), users = rng.normal(size=(3, 200)), np.repeat(np.arange(40), 5)
    one = rmse_difference(truth, a, b, users)
    found = seeded_rmse_difference(truth, np.array([a, a, a]), np.array([b, b, b]), users)
    np.testing.assert_allclose(found.values, one.value)
    assert found.stderr == pytest.approx(one.stderr)
    assert found.high - found.value > one.high - one.value


@pytest.mark.parametrize("seed_sd", [0.0, 0.3], ids=["users vary", "seeds vary"])
def test_interval_over_seeds_covers_the_truth_as_often_as_it_says(seed_sd):
    """It would not without the part of either."""
    rng = np.random.default_rng(4)
    users, covered = np.repeat(np.arange(50), 4), 0
    for _ in range(400):
        shared = rng.normal(size=50)[users] + rng.normal(size=200)
        a, b = shared + 0.5 * rng.normal(size=(2, 200))
        scale = 1 + seed_sd * rng.normal(size=(4, 1))
        found = seeded_rmse_difference(np.zeros(200), a * scale, np.tile(b, (4, 1)), users)
        covered += found.low <= 0.0 <= found.high
    assert covered / 400 >= 0.93


def test_interval_over_seeds_by_hand():
    """A wider one would cover the truth all the more often."""
    found = SeededDifference(np.array([1.0, 3.0]), user_stderr=0.75)
    assert (found.value, found.seed_sd) == (2.0, pytest.approx(np.sqrt(2)))
    assert found.stderr == pytest.approx(1.25), "that of the mean of two seeds is 1"
    reach = 12.7062 * 1.25  # Student's t with one degree of freedom
    assert (found.low, found.high) == pytest.approx((2 - reach, 2 + reach), rel=1e-5)
