"""The Gibbs sampler: each conditional against dense algebra, and the whole on known data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array, issparse
from scipy.special import digamma

from qrec.data import Features, Ratings
from qrec.errors import DataError
from qrec.recommenders import BayesianMF
from qrec.recommenders._prior import RegressionPrior, _Block, draw_prior, feature_blocks
from qrec.recommenders.base import rating_matrix
from qrec.recommenders.bmf import draw_rows


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


def test_a_row_is_drawn_towards_its_own_prior_mean() -> None:
    """Rows without a rating come from N(mean_n, precision^-1)."""
    rng = np.random.default_rng(5)
    half = rng.normal(size=(3, 3))
    precision = half @ half.T + np.eye(3)
    means = np.repeat([[0.0, 0.0, 0.0], [4.0, -1.0, 2.0]], 20_000, axis=0)
    none = csr_array((40_000, 5))
    drawn = draw_rows(rng, none, rng.normal(size=(5, 3)), 1.3, means, precision) - means
    stderr = np.sqrt(np.diag(np.linalg.inv(precision)) / 20_000)
    for part in (drawn[:20_000], drawn[20_000:]):
        assert (abs(part.mean(axis=0)) < 5 * stderr).all()
        assert_allclose(np.cov(part.T), np.linalg.inv(precision), atol=0.05)


class TestRegressionPrior:
    """Against dense algebra with all of B, what the null space holds included."""

    X = (
        np.array([[1.0, 0, 2, 0], [0, 1, 1, 0], [1, 1, 0, 1], [0, 2, 0, 0], [1, 0, 0, 0]]),
        np.array([[1.0, 0.5], [0, 1], [0, 0], [2, 0], [0, 1]]),
    )

    def test_the_fitted_means_have_mean_and_covariance_of_matrix_normal_regression(self) -> None:
        rng = np.random.default_rng(7)
        n_draws, penalty = 40_000, 0.7
        for matrix in (self.X[0], self.X[1], self.X[0].T, csr_array(self.X[0])):
            dense = matrix.toarray() if issparse(matrix) else matrix
            n, f = dense.shape
            target, half = rng.normal(size=(n, 2)), rng.normal(size=(2, 2))
            precision = half @ half.T + np.eye(2)
            block = _Block(matrix, 2)
            drawn = np.empty((n_draws, n, 2))
            for fitted in drawn:
                block.penalty = penalty
                block.draw(rng, target, np.linalg.cholesky(precision))
                fitted[:] = block.fitted
            ridge = dense @ np.linalg.inv(dense.T @ dense + penalty * np.eye(f)) @ dense.T
            covariance = np.kron(ridge, np.linalg.inv(precision))  # of X B, row after row
            stderr = np.sqrt(np.diag(covariance) / n_draws).reshape(n, 2)
            assert (abs(drawn.mean(axis=0) - ridge @ target) < 5 * stderr + 1e-9).all()
            scale = np.diag(covariance).max()
            found = np.cov(drawn.reshape(n_draws, -1).T)
            assert_allclose(found, covariance, atol=0.04 * scale)

    def test_the_penalty_is_drawn_from_its_gamma(self) -> None:
        rng = np.random.default_rng(8)
        block = _Block(self.X[1], 2)
        lower = np.linalg.cholesky([[2.0, 0.3], [0.3, 1.0]])
        ratios = []
        for _ in range(20_000):
            block.draw(rng, np.ones((5, 2)), lower)
            size = ((block.coefficients @ lower) ** 2).sum()
            ratios.append(block.penalty * (0.1 + size / 2))  # Gamma(shape, 1)
        shape = 0.1 + 2 * 2 / 2
        assert_allclose(np.mean(ratios), shape, rtol=0.03)
        assert_allclose(np.var(ratios), shape, rtol=0.06)

    def test_a_whole_sweep_keeps_the_joint_distribution(self) -> None:
        """Geweke: draws from the prior and sweeps that redraw the rows agree in their moments."""
        rng = np.random.default_rng(9)
        matrices, n_draws = (self.X[0], self.X[1]), 30_000
        prior = RegressionPrior(matrices, 1)
        rows = np.zeros((5, 1))
        found = np.empty((n_draws, 2))
        for n in range(n_draws):
            mean, precision = prior.draw(rng, rows)
            rows = mean + rng.normal(size=(5, 1)) / np.sqrt(precision)
            found[n] = precision[0, 0], np.log(prior._blocks[0].penalty)
        # Lambda ~ Wishart(1, 1) is chi-squared of 1; log of Gamma(.1, rate .1) by its digamma.
        batches = found.reshape(100, -1, 2).mean(axis=1)
        stderr = batches.std(axis=0) / 10
        expected = np.array([1.0, digamma(0.1) - np.log(0.1)])
        assert (abs(batches.mean(axis=0) - expected) < 5 * stderr).all()
        assert stderr[0] < 0.1
        assert stderr[1] < 0.5


def test_feature_blocks_are_unit_rows_of_what_was_rated_and_of_side_data() -> None:
    ratings = Ratings(
        user=np.array([0, 0, 1], np.int32),
        item=np.array([0, 2, 2], np.int32),
        value=np.array([5.0, 1.0, 3.0]),
        user_ids=np.arange(3),
        item_ids=np.arange(3),
        scale=(1.0, 5.0),
        features=Features(item={"genres": np.array(["a", "b|a", ""])}),
    )
    users, items = feature_blocks(ratings, implicit=True, side_data=True)
    half = np.sqrt(0.5)
    assert_allclose(users[0].toarray(), [[half, 0, half], [0, 0, 1], [0, 0, 0]])
    assert_allclose(items[0].toarray(), [[1, 0, 0], [0, 0, 0], [half, half, 0]])
    assert_allclose(items[1], [[1, 0], [half, half], [0, 0]])
    assert len(users) == 1
    assert feature_blocks(ratings, implicit=False, side_data=False) == ([], [])


def test_features_too_large_for_memory_are_refused() -> None:
    wide = csr_array((60_000, 20_000))
    with pytest.raises(DataError, match=r"60000 x 20000 need 1.2e\+09 numbers; .*implicit"):
        RegressionPrior([wide], 2)


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
