"""A model of ratings that behave like MovieLens-100K and know their own noise floor.

Users differ in activity, items in popularity; who rates what depends on taste (ratings are
missing *not* at random); a latent utility is cut into stars. The constants were fitted to the
marginals of MovieLens-100K (Harper and Konstan 2015, DOI 10.1145/2827872); no rating of it is
contained here. Given the latents, the distribution of each star is known in closed form, so
every rating carries the mean and the variance of the distribution that it was drawn from.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from qrec.data.ratings import Ratings
from qrec.errors import ConfigError
from qrec.seeds import child_seed

Floats = NDArray[np.float64]

MIN_ACTIVITY, ACTIVITY_SHAPE, MAX_ACTIVITY = 20, 0.65, 737 / 1682  # the last: of the items
POPULARITY_SHAPE, MAX_POPULARITY = 0.5, 0.62  # the last: of the users
TASTE_VARIANCE, TASTE_FACTORS, TASTE_DECAY = 0.416, 20, 0.68
EXPOSURE_TASTE = 0.95  # how much more often users rate what they like
EXPOSURE_STRENGTH, EXPOSURE_FACTORS, EXPOSURE_DECAY = 1.44, 8, 0.4
USER_SD, ITEM_SD, ITEM_POPULARITY_CORRELATION = 0.405, 0.60, 0.51
SLOPE_SD, NOISE_SD = 0.22, 0.795
HISTOGRAM = np.array([6110, 11370, 27145, 34174, 21201]) / 100_000  # of 1 to 5 stars

MAX_DENSITY = 0.35
_FIT_USERS = 2000  # item weights are fitted on at most so many users
_FIT_ITERATIONS = 20
_DECIMALS = 6  # of what is ordered: far above float64's errors, far below any effect
_BLOCK_CELLS = 4_000_000  # users are worked through in blocks of so many matrix cells
_START, _DAYS, _PAUSE = 874_724_710, 200, 40.0  # September 1997; mean seconds between ratings


@dataclass(frozen=True)
class _Latents:
    user_taste: NDArray[np.float32]  # (n_users, TASTE_FACTORS), scaled so that T = product
    item_taste: NDArray[np.float32]  # (n_items, TASTE_FACTORS)
    user_exposure: Floats  # (n_users, TASTE_FACTORS + EXPOSURE_FACTORS)
    item_exposure: Floats  # (n_items, TASTE_FACTORS + EXPOSURE_FACTORS)

    def log_rate(self, users: slice | NDArray[np.int64]) -> Floats:
        """Return the log of how much more often than others each user rates each item.

        BLAS rounds a product by its kernel and its number of threads. Nothing may be ordered by
        such digits, or every machine had ratings of its own: six decimals are kept.
        """
        return np.round(self.user_exposure[users] @ self.item_exposure.T, _DECIMALS)


def generate_ratings(n_users: int, n_items: int, n_ratings: int, seed: int) -> Ratings:
    """Return `n_ratings` ratings, sorted by user and, within a user, by time.

    Raises ConfigError unless there are at least 20 ratings per user and 2 per item, and at
    most 35 % of all cells are rated.
    """
    fewest = max(MIN_ACTIVITY * n_users, 2 * n_items)
    most = int(MAX_DENSITY * n_users * n_items)
    if not (n_users > 0 and n_items > 0 and fewest <= n_ratings <= most):
        raise ConfigError(
            f"data set 'synthetic': found n_ratings={n_ratings} for n_users={n_users} and "
            f"n_items={n_items}, expected {MIN_ACTIVITY} per user and 2 per item to "
            f"{MAX_DENSITY:.0%} of all cells: {fewest} to {most}"
        )
    # The name picks the stream whose seed 0, the default, has the bias model's RMSE of the real
    # data: over streams it moves between .944 and .958.
    rng = np.random.default_rng(child_seed(seed, "generated ratings"))
    activity = _activity(rng, n_users, n_items, n_ratings)
    popularity = _popularity(rng, n_users, n_items, n_ratings)
    latents = _latents(rng, n_users, n_items)
    log_weight = _fit_weights(rng, latents, activity, popularity)
    item = _exposed_items(rng, latents, activity, log_weight)
    user = np.repeat(np.arange(n_users, dtype=np.int32), activity)
    _give_each_item_a_rating(rng, item, n_items)

    mean, spread, utility = _utility(rng, latents, user, item, popularity)
    value, cuts = _stars(utility)
    oracle_mean, oracle_variance = _oracle(mean, spread, cuts)
    return Ratings(
        user=user,
        item=item,
        value=value,
        user_ids=np.arange(1, n_users + 1),
        item_ids=np.arange(1, n_items + 1),
        scale=(1.0, 5.0),
        timestamp=_timestamps(rng, activity),
        oracle_mean=oracle_mean,
        oracle_variance=oracle_variance,
    )


def _activity(
    rng: np.random.Generator, n_users: int, n_items: int, n_ratings: int
) -> NDArray[np.int64]:
    """Return how many ratings each user gives, `(n_users,)`; the sum is `n_ratings`."""
    extra = rng.gamma(ACTIVITY_SHAPE, size=n_users)
    most = MAX_ACTIVITY * n_items - MIN_ACTIVITY
    extra = _scaled(extra, n_ratings - MIN_ACTIVITY * n_users, most)
    return MIN_ACTIVITY + _rounded(extra)


def _popularity(rng: np.random.Generator, n_users: int, n_items: int, n_ratings: int) -> Floats:
    """Return how many ratings each item is expected to get, `(n_items,)`, at least 1."""
    shares = rng.gamma(POPULARITY_SHAPE, size=n_items)
    return 1 + _scaled(shares, n_ratings - n_items, MAX_POPULARITY * n_users - 1)


def _scaled(shares: Floats, total: float, most: float) -> Floats:
    """Return `min(s * shares, most)` for the `s` that makes the sum `total`."""
    low, high = 0.0, total / shares.min() + 1
    for _ in range(200):
        middle = (low + high) / 2
        if np.minimum(middle * shares, most).sum() < total:
            low = middle
        else:
            high = middle
    return np.asarray(np.minimum(high * shares, most), dtype=np.float64)


def _rounded(amounts: Floats) -> NDArray[np.int64]:
    """Round to integers with the same sum, the largest fractions upwards."""
    whole = np.floor(amounts).astype(np.int64)
    missing = round(amounts.sum()) - whole.sum()
    whole[np.argsort(whole - amounts, kind="stable")[:missing]] += 1
    return whole


def _latents(rng: np.random.Generator, n_users: int, n_items: int) -> _Latents:
    taste = _decay(TASTE_FACTORS, TASTE_DECAY)
    p = rng.standard_normal((n_users, TASTE_FACTORS)) * taste
    q = rng.standard_normal((n_items, TASTE_FACTORS))
    exposure = EXPOSURE_STRENGTH * _decay(EXPOSURE_FACTORS, EXPOSURE_DECAY)
    r = rng.standard_normal((n_users, EXPOSURE_FACTORS)) * exposure
    s = rng.standard_normal((n_items, EXPOSURE_FACTORS))
    return _Latents(
        user_taste=(np.sqrt(TASTE_VARIANCE) * p).astype(np.float32),
        item_taste=q.astype(np.float32),
        user_exposure=np.hstack([EXPOSURE_TASTE * p, r]),
        item_exposure=np.hstack([q, s]),
    )


def _decay(n_factors: int, decay: float) -> Floats:
    """Return factor strengths k^-decay whose squares sum to 1."""
    strengths = np.arange(1.0, n_factors + 1) ** -decay
    return np.asarray(strengths / np.sqrt((strengths**2).sum()), dtype=np.float64)


def _fit_weights(
    rng: np.random.Generator, latents: _Latents, activity: NDArray[np.int64], popularity: Floats
) -> Floats:
    """Return log item weights for which the items' expected counts are `popularity`.

    Taking the n largest of log-weight + Gumbel noise is the same as taking the first n arrivals
    of exponential clocks, so an item is in with probability 1 - exp(-t_u w_i e_ui), where the
    time t_u makes the probabilities of user u sum to n_u. Both unknowns are fitted in turn.
    """
    some = rng.permutation(len(activity))[:_FIT_USERS]
    rate = np.exp(latents.log_rate(some))
    n_user = activity[some]
    n_item = popularity * n_user.sum() / popularity.sum()
    weight = n_item / rate.mean(axis=0)
    time = n_user / (rate @ weight)
    for _ in range(_FIT_ITERATIONS):
        stays_out = np.exp(-(time[:, None] * rate * weight))
        weight *= n_item / (len(some) - stays_out.sum(axis=0))
        stays_out = np.exp(-(time[:, None] * rate * weight))
        time *= n_user / (len(popularity) - stays_out.sum(axis=1))
    return np.asarray(np.round(np.log(weight), _DECIMALS), dtype=np.float64)


def _exposed_items(
    rng: np.random.Generator,
    latents: _Latents,
    activity: NDArray[np.int64],
    log_weight: Floats,
) -> NDArray[np.int32]:
    """Return the items each user rates, in the order of their clocks, `(n_ratings,)`."""
    chosen = []
    block = max(1, _BLOCK_CELLS // len(log_weight))
    for start in range(0, len(activity), block):
        users = slice(start, start + block)
        log_rate = latents.log_rate(users) + log_weight
        arrival = rng.standard_exponential(log_rate.shape, dtype=np.float32) * np.exp(-log_rate)
        for row, n in zip(arrival, activity[users], strict=True):
            first = np.argpartition(row, n)[:n]
            chosen.append(first[np.argsort(row[first])].astype(np.int32))
    return np.concatenate(chosen)


def _give_each_item_a_rating(
    rng: np.random.Generator, item: NDArray[np.int32], n_items: int
) -> None:
    """Give items without a rating one that belonged to an item with many, in place."""
    counts = np.bincount(item, minlength=n_items)
    for unrated in np.flatnonzero(counts == 0):
        row = rng.choice(np.flatnonzero(counts[item] > 1))
        counts[item[row]] -= 1
        item[row] = unrated
        counts[unrated] = 1


def _utility(
    rng: np.random.Generator,
    latents: _Latents,
    user: NDArray[np.int32],
    item: NDArray[np.int32],
    popularity: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Return mean, spread and draw of the utility of each rating, `(n_ratings,)` each."""
    n_users, n_items = len(latents.user_taste), len(popularity)
    user_bias = USER_SD * rng.standard_normal(n_users)
    log_popularity = np.log(popularity)
    standard = (log_popularity - log_popularity.mean()) / log_popularity.std()
    own = np.sqrt(1 - ITEM_POPULARITY_CORRELATION**2) * rng.standard_normal(n_items)
    item_bias = ITEM_SD * (ITEM_POPULARITY_CORRELATION * standard + own)
    log_sd = np.sqrt(np.log1p(SLOPE_SD**2))
    slope = rng.lognormal(-(log_sd**2) / 2, log_sd, n_users)
    taste = np.zeros(len(user))
    for p, q in zip(latents.user_taste.T, latents.item_taste.T, strict=True):
        taste += p[user] * q[item]
    mean = user_bias[user] + slope[user] * (item_bias[item] + taste)
    spread = NOISE_SD * slope[user]
    return mean, spread, mean + spread * rng.standard_normal(len(user))


def _stars(utility: Floats) -> tuple[Floats, Floats]:
    """Cut utilities into 1 to 5 stars with the histogram asked for; also return the 4 cuts."""
    counts = _rounded(HISTOGRAM * len(utility))
    ends = np.cumsum(counts)[:-1]
    ordered = np.sort(utility)
    cuts = (ordered[ends - 1] + ordered[ends]) / 2
    return 1.0 + np.searchsorted(cuts, utility).astype(np.float64), cuts


def _oracle(mean: Floats, spread: Floats, cuts: Floats) -> tuple[Floats, Floats]:
    """Return E[star] and Var[star] given the latents, `(n_ratings,)` each."""
    above = [ndtr((mean - cut) / spread) for cut in cuts]  # P(star > s) for s = 1..4
    first = 1 + sum(above)
    second = 1 + sum((2 * s + 1) * p for s, p in enumerate(above, start=1))
    return first, second - first**2


def _timestamps(rng: np.random.Generator, activity: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return seconds since 1970, increasing within each user: one sitting at a random time."""
    pauses = np.ceil(rng.exponential(_PAUSE, activity.sum())).astype(np.int64)
    elapsed = np.cumsum(pauses)
    first = np.cumsum(activity) - activity
    start = _START + rng.integers(0, _DAYS * 86_400, len(activity))
    return np.asarray(np.repeat(start - elapsed[first], activity) + elapsed, dtype=np.int64)
