"""The Gibbs sampler: each conditional against dense algebra, and the whole on known data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array, issparse
from scipy.special import digamma

from qrec.data import Features, Ratings
from qrec.errors import DataError
from qrec.recommenders import BayesianMF, _prior
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

    def test_sweeps_keep_the_joint_distribution(self, monkeypatch) -> None:
        """Rows drawn again from what was drawn of them (Geweke): all stays as the prior has it.

        The prior of the penalties is made narrow: by the real one they wander over e^-100.
        """
        monkeypatch.setattr(_prior, "_SHAPE", 4.0)
        monkeypatch.setattr(_prior, "_RATE", 4.0)
        rng = np.random.default_rng(9)
        prior, rows = RegressionPrior(self.X, 1), np.zeros((5, 1))
        found = np.empty((20_000, 3))
        for draw in found:
            mean, precision = prior.draw(rng, rows)
            rows = mean + rng.normal(size=(5, 1)) / np.sqrt(precision)
            draw[:] = np.log([precision[0, 0], *(block.penalty for block in prior._blocks)])
        # Lambda is chi-squared of one degree: the log of a Gamma(1/2, rate 1/2).
        expected = [digamma(0.5) + np.log(2), *2 * [digamma(4) - np.log(4)]]
        assert (abs(found.mean(axis=0) - expected) < [0.4, 0.03, 0.03]).all()


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


def test_the_spread_is_that_of_the_samples(ratings: Ratings) -> None:
    """Of two samples it is half of how far apart they are."""
    first = BayesianMF(n_factors=2, n_samples=1, n_burn_in=3, random_state=8).fit(ratings)
    second = BayesianMF(n_factors=2, n_samples=1, n_burn_in=4, random_state=8).fit(ratings)
    both = BayesianMF(n_factors=2, n_samples=2, n_burn_in=3, random_state=8).fit(ratings)
    users, items = ratings.pairs.T
    apart = abs(first._predict(users, items) - second._predict(users, items))
    assert_allclose(both.predict_std(ratings), apart / 2, atol=1e-12)
    assert apart.max() > 0.1


def test_there_is_no_spread_where_nothing_can_be_scored(ratings: Ratings) -> None:
    known = ratings[ratings.item != 3]
    model = BayesianMF(n_factors=2, n_samples=2, n_burn_in=0).fit(known)
    found = model.predict_std(np.array([[0, 3], known.pairs[0]]))
    assert np.isnan(found).tolist() == [True, False]


def test_side_data_tells_what_few_ratings_do_not() -> None:
    """Items of one genre are liked by one gender: known of an item that one user rated."""
    rng = np.random.default_rng(2)
    n = 60
    gender, genre = np.arange(n) % 2, np.arange(n) // 2 % 2
    full = 3 + 1.5 * np.where(np.equal.outer(gender, genre), 1, -1)
    known = rng.random((n, n)) < np.where(np.arange(n) < 30, 0.5, 0.02)
    known[np.arange(n), np.arange(n)] = True
    user, item = np.nonzero(known)
    features = Features(
        {"gender": np.where(gender, "F", "M")}, {"genres": np.where(genre, "a", "b")}
    )
    ratings = Ratings(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        value=full[known] + 0.5 * rng.normal(size=known.sum()),
        user_ids=np.arange(n),
        item_ids=np.arange(n),
        scale=(-9.0, 9.0),
        features=features,
    )
    hidden = np.argwhere(~known & (np.arange(n) >= 30))
    errors = []
    for side_data in (True, False):
        model = BayesianMF(
            n_factors=2, n_samples=40, n_burn_in=40, implicit=False, side_data=side_data
        )
        error = model.fit(ratings).predict(hidden) - full[tuple(hidden.T)]
        errors.append(np.sqrt((error**2).mean()))
    assert errors[0] < 0.6 * errors[1]


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
