"""ALS, masked NMF and truncated SVD, against slow references."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qrec.data import Ratings
from qrec.errors import ConfigError
from qrec.recommenders import ALS, MaskedNMF, TruncatedSVDRecommender, UserItemBias
from qrec.recommenders._batched import grams, solve_lower, solve_upper
from qrec.recommenders._factors import FactorRecommender
from qrec.recommenders.base import rating_matrix


def objective(model: FactorRecommender, ratings: Ratings, reg: float) -> float:
    p, q = model.user_factors_[ratings.user], model.item_factors_[ratings.item]
    error = ratings.value - model.offset(ratings.user, ratings.item) - (p * q).sum(axis=1)
    # Summing over ratings counts a user C_u times and an item C_i times.
    return float((error**2).sum() + reg * ((p**2).sum() + (q**2).sum()))


def ridge_by_loop(
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: NDArray[np.float64],
    factors: NDArray[np.float64],
    n_rows: int,
    reg: float,
) -> NDArray[np.float64]:
    out = np.zeros((n_rows, factors.shape[1]))
    for row in np.unique(rows):
        mine = rows == row
        q = factors[columns[mine]]
        system = q.T @ q + reg * mine.sum() * np.eye(q.shape[1])
        out[row] = np.linalg.solve(system, q.T @ values[mine])
    return out


@pytest.mark.parametrize("centre", ["none", "mean", "bias"])
def test_als_is_ridge_regression_of_one_user_after_another(ratings: Ratings, centre: str) -> None:
    reg, n_epochs = 0.2, 4
    model = ALS(n_factors=3, reg=reg, n_epochs=n_epochs, centre=centre, random_state=1)
    model.fit(ratings)
    offset = {
        "none": np.zeros(len(ratings)),
        "mean": np.full(len(ratings), ratings.value.mean()),
        "bias": UserItemBias().fit(ratings).offset(ratings.user, ratings.item),
    }[centre]
    values = ratings.value - offset
    items = np.random.default_rng(1).normal(scale=0.1, size=(ratings.n_items, 3))
    for item in range(ratings.n_items):
        mine = values[ratings.item == item]
        items[item, 0] = mine.mean() if len(mine) else 0
    for _ in range(n_epochs):
        users = ridge_by_loop(ratings.user, ratings.item, values, items, ratings.n_users, reg)
        items = ridge_by_loop(ratings.item, ratings.user, values, users, ratings.n_items, reg)
    assert_allclose(model.user_factors_, users, atol=1e-9)
    assert_allclose(model.item_factors_, items, atol=1e-9)
    assert_allclose(model.offset(ratings.user, ratings.item), offset)


@pytest.mark.parametrize("cls", [ALS, MaskedNMF])
def test_each_epoch_lowers_the_objective(
    cls: type[ALS] | type[MaskedNMF], ratings: Ratings
) -> None:
    values = [
        objective(cls(n_factors=4, reg=0.1, n_epochs=n).fit(ratings), ratings, 0.1)
        for n in (1, 2, 4, 8, 16)
    ]
    assert (np.diff(values) < 0).all()


def test_als_without_reg_fits_sparse_rows_exactly(ratings: Ratings) -> None:
    model = ALS(n_factors=20, reg=0.0, n_epochs=30).fit(ratings)
    assert_allclose(model.predict(ratings), ratings.value, atol=0.01)


def test_nmf_has_no_negative_factor_and_ends_at_a_minimum(ratings: Ratings) -> None:
    reg = 0.1
    model = MaskedNMF(n_factors=3, reg=reg, n_epochs=3000).fit(ratings)
    p, q = model.user_factors_, model.item_factors_
    assert p.min() >= 0
    assert q.min() >= 0
    error = np.zeros((ratings.n_users, ratings.n_items))
    error[ratings.user, ratings.item] = ratings.value - (p[ratings.user] * q[ratings.item]).sum(1)
    count = np.bincount(ratings.user, minlength=ratings.n_users)[:, None]
    slope = -error @ q + reg * count * p
    # Kuhn-Tucker: no slope where a factor is positive, none downwards where it is zero.
    assert_allclose(slope[p > 0], 0, atol=1e-4)
    assert slope[p == 0].min(initial=0) > -1e-4


def test_nmf_leaves_missing_ratings_alone(ratings: Ratings) -> None:
    """With missing entries taken for zeros, the predictions of these would be near zero."""
    model = MaskedNMF(n_factors=2).fit(ratings)
    scores = model.user_factors_[:-1] @ model.item_factors_[:-1].T
    missing = rating_matrix(ratings).toarray()[:-1, :-1] == 0
    assert scores[missing].mean() == pytest.approx(ratings.value.mean(), abs=0.3)


@pytest.mark.parametrize("centre", ["none", "bias"])
def test_svd_is_numpys_cut_to_its_largest_singular_values(ratings: Ratings, centre: str) -> None:
    model = TruncatedSVDRecommender(n_factors=5, centre=centre).fit(ratings)
    offset = model.offset(ratings.user, ratings.item)
    left, singular, right = np.linalg.svd(
        rating_matrix(ratings, ratings.value - offset).toarray(), full_matrices=False
    )
    expected = (left[:, :5] * singular[:5]) @ right[:5]
    assert_allclose(model.user_factors_ @ model.item_factors_.T, expected, atol=1e-9)
    assert_allclose(np.linalg.norm(model.user_factors_, axis=0) ** 2, singular[:5])


def test_svd_refuses_more_factors_than_the_matrix_has(ratings: Ratings) -> None:
    with pytest.raises(ConfigError, match="n_factors is 25; expected at most 24"):
        TruncatedSVDRecommender(n_factors=25).fit(ratings)


@pytest.mark.parametrize("value", [2.5, "8", True, None, float("nan")])
def test_n_factors_must_be_an_integer(ratings: Ratings, value: object) -> None:
    with pytest.raises(ConfigError, match=r"ALS: n_factors is .*; expected an integer of at lea"):
        ALS(n_factors=value).fit(ratings)
    if value != 2.5:
        with pytest.raises(ConfigError, match=r"ALS: reg is .*; expected a number of at least 0"):
            ALS(reg=value).fit(ratings)


def test_batched_systems_are_solved_row_by_row() -> None:
    rng = np.random.default_rng(2)
    weights = csr_array(rng.random((6, 9)) * (rng.random((6, 9)) < 0.5))
    factors = rng.normal(size=(9, 4))
    systems = grams(weights, factors)
    for row, system in zip(weights.toarray(), systems, strict=True):
        assert_allclose(system, (factors.T * row) @ factors, atol=1e-12)
    systems += np.eye(4)
    right = rng.normal(size=(6, 4))
    lower = np.linalg.cholesky(systems)
    solution = solve_upper(lower, solve_lower(lower, right))
    assert_allclose(solution, np.linalg.solve(systems, right[..., None])[..., 0], atol=1e-12)
