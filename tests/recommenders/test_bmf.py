"""The Gibbs sampler: each conditional against dense algebra, and the whole on known data."""

import numpy as np
from numpy.testing import assert_allclose

from qrec.data import Ratings
from qrec.recommenders import BayesianMF
from qrec.recommenders.base import rating_matrix
from qrec.recommenders.bmf import draw_prior, draw_rows


def test_rows_have_the_mean_and_covariance_of_bayesian_regression() -> None:
    rng = np.random.default_rng(3)
    n_draws, k, noise_precision = 40_000, 2, 1.7
    others = rng.normal(size=(5, k + 1))
    y = rng.normal(size=5)
    mean, half = rng.normal(size=k + 1), rng.normal(size=(k + 1, k + 1))
    prior_precision = half @ half.T + np.eye(k + 1)
    # The same row again and again: every draw is one row of the result.
    ratings = Ratings(
        user=np.repeat(np.arange(n_draws, dtype=np.int32), 5),
        item=np.tile(np.arange(5, dtype=np.int32), n_draws),
        value=np.tile(y, n_draws),
        user_ids=np.arange(n_draws),
        item_ids=np.arange(5),
        scale=(-9.0, 9.0),
    )
    drawn = draw_rows(rng, rating_matrix(ratings), others, noise_precision, mean, prior_precision)
    design = np.column_stack([others[:, :k], np.ones(5)])
    covariance = np.linalg.inv(noise_precision * design.T @ design + prior_precision)
    expected = covariance @ (
        noise_precision * design.T @ (y - others[:, k]) + prior_precision @ mean
    )
    stderr = np.sqrt(np.diag(covariance) / n_draws)
    assert (abs(drawn.mean(axis=0) - expected) < 5 * stderr).all()
    assert_allclose(np.cov(drawn.T), covariance, atol=0.03 * np.diag(covariance).max())


def test_prior_draws_centre_on_the_normal_wishart_posterior() -> None:
    rng = np.random.default_rng(4)
    n, k = 50, 3
    rows = rng.normal(size=(n, k)) @ rng.normal(size=(k, k)) + [1.0, 0.0, -2.0]
    draws = [draw_prior(rng, rows) for _ in range(4000)]
    means = np.array([mean for mean, _ in draws])
    precisions = np.array([precision for _, precision in draws])
    average = rows.mean(axis=0)
    scatter = n * np.cov(rows.T, bias=True) + 2 * n / (2 + n) * np.outer(average, average)
    degrees = k + n
    expected = degrees * np.linalg.inv(np.eye(k) + scatter)
    assert_allclose(precisions.mean(axis=0), expected, atol=0.03 * np.diag(expected).max())
    assert_allclose(means.mean(axis=0), n * average / (n + 2), atol=0.05)
    # Marginally the mean is Student-t of degrees - k + 1, whose variance is known.
    spread = (np.eye(k) + scatter) / ((n + 2) * (degrees - k - 1))
    assert_allclose(np.cov(means.T), spread, atol=0.08 * np.diag(spread).max())


def test_recovers_low_rank_data_from_half_of_it() -> None:
    rng = np.random.default_rng(6)
    n_users, n_items = 80, 60
    full = 3 + rng.normal(scale=0.3, size=(n_users, 1)) + rng.normal(scale=0.3, size=n_items)
    full = full + np.outer(rng.normal(scale=0.5, size=n_users), rng.normal(size=n_items))
    full += rng.normal(scale=0.05, size=full.shape)
    known = rng.random(full.shape) < 0.5
    user, item = np.nonzero(known)
    ratings = Ratings(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        value=full[known],
        user_ids=np.arange(n_users),
        item_ids=np.arange(n_items),
        scale=(-9.0, 9.0),
    )
    model = BayesianMF(n_factors=3, n_samples=60, n_burn_in=60).fit(ratings)
    error = model.predict(np.argwhere(~known)) - full[~known]
    assert np.sqrt((error**2).mean()) < 0.08


def test_factors_side_by_side_are_the_mean_over_samples(ratings: Ratings) -> None:
    """One sample more moves the mean by one n-th of the way to that sample's prediction."""
    pairs = ratings.pairs[:20]
    short = BayesianMF(n_factors=2, n_samples=1, n_burn_in=3, random_state=8).fit(ratings)
    next_one = BayesianMF(n_factors=2, n_samples=1, n_burn_in=4, random_state=8).fit(ratings)
    both = BayesianMF(n_factors=2, n_samples=2, n_burn_in=3, random_state=8).fit(ratings)
    users, items = pairs.T
    expected = (short._predict(users, items) + next_one._predict(users, items)) / 2
    assert_allclose(both._predict(users, items), expected, atol=1e-12)
    assert both.user_factors_.shape == (ratings.n_users, 4)
