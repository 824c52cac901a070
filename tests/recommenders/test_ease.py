"""EASE, against its constrained least-squares problem and a loop that leaves users out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from qrec.data import Ratings
from qrec.recommenders import EASE, UserItemBias
from qrec.recommenders.base import rating_matrix


@pytest.fixture(scope="module")
def residual(ratings: Ratings) -> NDArray[np.float64]:
    bias = UserItemBias().fit(ratings)
    error = ratings.value - bias.offset(ratings.user, ratings.item)
    return rating_matrix(ratings, error).toarray()


@pytest.mark.parametrize("reg", [2.0, 100.0])
def test_each_column_is_the_ridge_regression_on_all_other_items(
    ratings: Ratings, residual: NDArray[np.float64], reg: float
) -> None:
    weights = EASE(reg).fit(ratings).weights_
    assert (np.diag(weights) == 0).all()
    for item in range(ratings.n_items):
        others = np.delete(residual, item, axis=1)
        system = others.T @ others + reg * np.eye(others.shape[1])
        expected = np.linalg.solve(system, others.T @ residual[:, item])
        assert_allclose(np.delete(weights[:, item], item), expected, atol=1e-10)


@pytest.mark.parametrize("reg", [2.0, 100.0])
def test_slope_is_that_of_predictions_by_weights_of_all_other_users(
    ratings: Ratings, residual: NDArray[np.float64], reg: float
) -> None:
    predicted = np.zeros_like(residual)
    for user in range(ratings.n_users):
        others = np.delete(residual, user, axis=0)
        inverse = np.linalg.inv(others.T @ others + reg * np.eye(ratings.n_items))
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0)
        predicted[user] = residual[user] @ weights
    x, y = predicted[ratings.user, ratings.item], residual[ratings.user, ratings.item]
    assert EASE(reg).fit(ratings).slope_ == pytest.approx((x @ y) / (x @ x))


def test_prediction_is_bias_plus_scaled_weights(
    ratings: Ratings, residual: NDArray[np.float64], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = EASE(20.0).fit(ratings)
    users, items = np.divmod(np.arange(39 * 24), 24)
    expected = model.bias_.offset(users, items)
    expected += model.slope_ * (residual @ model.weights_)[users, items]
    pairs = np.column_stack([users, items])
    assert_allclose(model.predict(pairs), np.clip(expected, 1, 5), atol=1e-12)
    monkeypatch.setattr("qrec.recommenders.ease._USERS_AT_ONCE", 7)
    assert_allclose(model.predict(pairs), np.clip(expected, 1, 5), atol=1e-12)
    assert EASE(20.0).fit(ratings).slope_ == pytest.approx(model.slope_)
