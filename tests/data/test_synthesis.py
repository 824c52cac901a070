import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qrec.data import Ratings, load_ratings
from qrec.data.synthesis import MAX_DENSITY, _oracle
from qrec.errors import ConfigError


@pytest.fixture(scope="module")
def default() -> Ratings:
    return load_ratings()


def stars(ratings: Ratings) -> list[int]:
    return np.bincount(ratings.value.astype(int), minlength=6)[1:].tolist()


def test_the_default_has_the_size_and_histogram_of_movielens_100k(default):
    assert (default.n_users, default.n_items, len(default)) == (943, 1682, 100_000)
    assert stars(default) == [6110, 11370, 27145, 34174, 21201]


def test_the_default_has_the_long_tails_of_movielens_100k(default, data_dir):
    real = load_ratings("ml-100k", data_dir=data_dir)
    for ours, theirs in ((default.user, real.user), (default.item, real.item)):
        ours, theirs = np.sort(np.bincount(ours)), np.sort(np.bincount(theirs))
        quantiles = np.linspace(0.25, 0.99, 8)
        apart = np.quantile(ours, quantiles) / np.quantile(theirs, quantiles)
        assert np.all((apart > 0.7) & (apart < 1.4))


@settings(max_examples=25)
@given(
    n_users=st.integers(1, 120),
    n_items=st.integers(58, 250),
    fill=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_any_size_that_is_possible_is_met(n_users, n_items, fill, seed):
    fewest = max(20 * n_users, 2 * n_items)
    most = int(MAX_DENSITY * n_users * n_items)
    if fewest > most:
        return
    n = fewest + int(fill * (most - fewest))
    ratings = load_ratings(n_users=n_users, n_items=n_items, n_ratings=n, seed=seed)
    assert len(ratings) == n
    assert np.bincount(ratings.user, minlength=n_users).min() >= 20
    assert np.bincount(ratings.item, minlength=n_items).min() >= 1
    assert len(np.unique(ratings.pairs, axis=0)) == n
    shares = np.array([6110, 11370, 27145, 34174, 21201]) / 100_000
    assert np.abs(np.array(stars(ratings)) - n * shares).max() < 1
    later = np.diff(ratings.timestamp)[np.diff(ratings.user) == 0]
    assert np.all(later > 0)


@pytest.mark.parametrize("n_ratings", [1000, 10_000, 0])
def test_an_impossible_size_is_refused(n_ratings):
    with pytest.raises(ConfigError, match=f"found n_ratings={n_ratings} .* 1200 to 2100"):
        load_ratings(n_users=60, n_items=100, n_ratings=n_ratings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed: found -1, expected an integer, 0 or more"),
        ({"seed": 0.5}, "found seed 0.5, expected an integer"),
        ({"n_users": 1e3}, "data set 'synthetic': found n_users 1000.0, expected an integer"),
        ({"n_items": "many"}, "found n_items 'many', expected an integer"),
    ],
)
def test_an_option_that_is_no_number_of_its_kind_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        load_ratings(**options)


def test_the_seed_decides(default):
    np.testing.assert_array_equal(load_ratings(seed=0).value, default.value)
    assert not np.array_equal(load_ratings(seed=1).value, default.value)


def test_the_noise_floor_is_the_error_of_the_oracle(default):
    error = np.sqrt(np.mean((default.value - default.oracle_mean) ** 2))
    assert default.noise_floor == pytest.approx(error, abs=0.005)
    assert default.noise_floor == pytest.approx(0.787, abs=0.01)  # what the model was fitted for


def test_the_oracle_is_calibrated(default):
    # Where it says 3.4 the mean star is 3.4, within four standard errors.
    for rows in np.array_split(np.argsort(default.oracle_mean), 10):
        part = default[rows]
        stderr = np.sqrt(part.oracle_variance.sum()) / len(part)
        assert abs(part.value.mean() - part.oracle_mean.mean()) < 4 * stderr


def test_the_oracle_against_draws():
    rng = np.random.default_rng(0)
    cuts = np.array([-1.5, -0.7, 0.2, 1.1])
    mean, spread = np.array([0.3, -1.0]), np.array([0.8, 1.3])
    draws = 1 + np.searchsorted(cuts, mean + spread * rng.standard_normal((400_000, 2)))
    expected, variance = _oracle(mean, spread, cuts)
    np.testing.assert_allclose(expected, draws.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(variance, draws.var(axis=0), atol=0.02)


SHA256 = "46af08bdbfb1149b2c460b033515984fed3b1cdadc2193df6c76ecf9b0759117"
OTHER_SEEDS = ["9d97e174952c", "ab1940f8a731"]  # 1 and 2, the first digits
PRINT_SHA256 = """
from hashlib import sha256
from qrec.data import load_ratings
for seed in range(3):
    r = load_ratings("synthetic", seed=seed)
    print(sha256(r.user.tobytes() + r.item.tobytes() + r.value.tobytes()).hexdigest())
"""


@pytest.mark.parametrize(
    ("threads", "kernel"),
    [(1, "Haswell"), (2, "Haswell"), (4, "Haswell"), (1, "Nehalem"), (2, "Nehalem"),
     (2, "Sandybridge"), (4, "SkylakeX")],
)  # fmt: skip
def test_the_ratings_are_the_same_on_every_machine(threads, kernel):
    # Kernels and numbers of threads round matrix products differently; a processor that lacks
    # a kernel takes another.
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "OPENBLAS_CORETYPE": kernel,
    }
    done = subprocess.run(
        [sys.executable, "-c", PRINT_SHA256],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    first, *others = done.stdout.split()
    assert first == SHA256
    assert [found[:12] for found in others] == OTHER_SEEDS


def test_users_rate_what_they_like(default):
    # Ratings are missing not at random: with the taste left out of the choice of items, the
    # first ones a user takes would be no better than the last.
    order = np.arange(len(default)) - np.searchsorted(default.user, default.user)
    share = order / np.bincount(default.user)[default.user]
    assert default.value[share < 0.2].mean() > default.value[share > 0.8].mean() + 0.1
