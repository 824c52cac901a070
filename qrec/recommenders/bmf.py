"""Bayesian matrix factorisation by Gibbs sampling, its prior a regression on side data."""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from qrec.data.ratings import Ratings
from qrec.recommenders._batched import grams, solve_lower, solve_upper
from qrec.recommenders._factors import FACTORS_AT_ONCE, FactorRecommender
from qrec.recommenders._prior import RegressionPrior, feature_blocks
from qrec.recommenders.base import Pairs, indicator, rating_matrix
from qrec.recommenders.spaces import Range
from qrec.types import Array


class BayesianMF(FactorRecommender):
    """Predict the posterior mean of mean + b_u + c_i + p_u . q_i under Gaussian noise.

    Salakhutdinov and Mnih, "Bayesian probabilistic matrix factorization using Markov chain
    Monte Carlo" (ICML 2008), section 3: the users' vectors come from one Gaussian, the items'
    from another, both of unknown mean and precision, and all of these are drawn in turn. Here
    the vectors are (p_u, b_u) and (q_i, c_i), so that the biases share the prior, and the noise
    precision is drawn as well, from a Gamma(1, 1) prior.

    The Gaussians' means are regressions on what is known of each user and item (Simm et al.,
    arXiv:1509.04610): with `implicit` on which items a user rated and which users an item, not
    how; with `side_data` on the ratings' `features`, where there are any. Without both this is
    the model of 2008. `implicit` needs the singular vectors of the rating matrix's pattern.

    Of the sweeps, the first `n_burn_in` are thrown away and the next `n_samples` kept. The mean
    of p_u . q_i over them is one dot product of all samples' factors side by side, so
    `user_factors_` is `(n_users, n_samples * n_factors)`, divided by sqrt(n_samples).
    `user_biases_` `(n_users, n_samples)` are the samples of the biases, and so for items.
    """

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1), Range(low=2, high=32, log=True)] = 10,
        n_samples: Annotated[int, Ge(1)] = 80,
        n_burn_in: Annotated[int, Ge(0)] = 20,
        implicit: bool = True,
        side_data: bool = True,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_samples = n_samples
        self.n_burn_in = n_burn_in
        self.implicit = implicit
        self.side_data = side_data
        self.random_state = random_state

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        rng = np.random.default_rng(self.random_state)
        by_user = rating_matrix(ratings, self._centre(ratings, "mean"))
        by_item = by_user.T.tocsr()
        blocks = feature_blocks(ratings, implicit=self.implicit, side_data=self.side_data)
        user_prior, item_prior = (RegressionPrior(side, self.n_factors + 1) for side in blocks)
        row, column = by_user.tocoo().coords
        # The last column is the bias.
        users = rng.normal(scale=0.1, size=(ratings.n_users, self.n_factors + 1))
        items = rng.normal(scale=0.1, size=(ratings.n_items, self.n_factors + 1))
        kept_users = np.empty((self.n_samples, *users.shape))
        kept_items = np.empty((self.n_samples, *items.shape))
        for sweep in range(-self.n_burn_in, self.n_samples):
            error = by_user.data - _score(users[row], items[column])
            noise_precision = rng.gamma(1 + len(error) / 2, 1 / (1 + error @ error / 2))
            users = draw_rows(rng, by_user, items, noise_precision, *user_prior.draw(rng, users))
            items = draw_rows(rng, by_item, users, noise_precision, *item_prior.draw(rng, items))
            if sweep >= 0:
                kept_users[sweep], kept_items[sweep] = users, items
        self.user_factors_, self.user_biases_ = _side_by_side(kept_users)
        self.item_factors_, self.item_biases_ = _side_by_side(kept_items)
        self.user_bias_ = self.user_biases_.mean(axis=1)
        self.item_bias_ = self.item_biases_.mean(axis=1)

    def predict_std(self, pairs: Pairs) -> Array:
        """Return the posterior standard deviation of each pair's expected rating, `(n,)`.

        In units of the ratings: over the samples kept, before clipping, without the noise of a
        single rating. ``nan`` where `predict` has it; raises DataError as `predict` does.
        """
        check_is_fitted(self)
        users, items = self._split_pairs(pairs)
        out = np.full(len(users), np.nan)
        known = np.flatnonzero(self._can_score(users, items))
        n_samples = self.user_biases_.shape[1]
        step = max(1, FACTORS_AT_ONCE // self.user_factors_.shape[1])
        for start in range(0, len(known), step):
            part = known[start : start + step]
            u, i = users[part], items[part]
            product = self.user_factors_[u] * self.item_factors_[i] * n_samples
            dot = product.reshape(len(part), n_samples, -1).sum(axis=2)
            out[part] = (dot + self.user_biases_[u] + self.item_biases_[i]).std(axis=1)
        return out


def _score(users: Array, items: Array) -> Array:
    factors: Array = np.einsum("nk,nk->n", users[:, :-1], items[:, :-1])
    return factors + users[:, -1] + items[:, -1]


def _side_by_side(kept: Array) -> tuple[Array, Array]:
    """Turn samples `(n_samples, n, k + 1)` into `(n, n_samples * k)` and biases `(n, n_samples)`.

    The factors are divided by sqrt(n_samples), the biases are not.
    """
    n_samples, n, _ = kept.shape
    factors = kept[:, :, :-1].swapaxes(0, 1).reshape(n, -1) / np.sqrt(n_samples)
    return factors, np.ascontiguousarray(kept[:, :, -1].T)


def draw_rows(
    rng: np.random.Generator,
    ratings: csr_array,
    others: Array,
    noise_precision: float,
    mean: Array,
    prior_precision: Array,
) -> Array:
    """Draw every row's vector (p, b) given the other side's vectors (q, c): section 3.3.

    `ratings` `(n_rows, n_others)` holds y = p . q + b + c + noise; the prior is Gaussian with
    `mean`, one `(k + 1,)` or each row's own, and `prior_precision`. Returns `(n_rows, k + 1)`,
    the bias last.
    """
    design = others.copy()
    design[:, -1] = 1.0
    observed = indicator(ratings)
    target = ratings @ design - observed @ (others[:, -1:] * design)
    lower = np.linalg.cholesky(noise_precision * grams(observed, design) + prior_precision)
    linear = noise_precision * target + mean @ prior_precision
    noise = rng.normal(size=linear.shape)
    return solve_upper(lower, solve_lower(lower, linear) + noise)
