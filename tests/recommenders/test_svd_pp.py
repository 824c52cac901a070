"""SVD++: its prediction by hand, what it knows at which time, and that implicit sets help."""

import numpy as np
import pytest

from qrec.data import Split, load_ratings, split
from qrec.recommenders import SVDpp
from qrec.recommenders.svd_pp import rated_items


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(load_ratings(n_users=150, n_items=200, n_ratings=8000), seed=1)


@pytest.fixture(scope="module")
def fitted(parts: Split) -> SVDpp:
    return SVDpp(n_factors=4, n_epochs=5).fit(parts.train, validation=parts.validation)


def test_prediction_is_equation_15_of_koren(parts: Split, fitted: SVDpp) -> None:
    train = parts.train
    for user, item in parts.test.pairs[:20]:
        rated = train.item[train.user == user]
        implicit = fitted.implicit_factors_[rated].sum(axis=0) / np.sqrt(len(rated))
        dot = fitted.item_factors_[item] @ (fitted.own_factors_[user] + implicit)
        bias = fitted.user_bias_[user] + fitted.item_bias_[item]
        expected = np.clip(fitted.mean_ + bias + dot, 1, 5)
        assert fitted.predict(np.array([[user, item]]))[0] == pytest.approx(expected)


def test_its_implicit_factors_are_trained(fitted: SVDpp, parts: Split) -> None:
    start = SVDpp(n_factors=4, n_epochs=0).fit(parts.train, validation=parts.validation)
    for name in ("own_factors_", "implicit_factors_", "item_factors_", "item_bias_"):
        assert np.abs(getattr(fitted, name) - getattr(start, name)).mean() > 1e-3, name
    assert fitted.history_[-1] < fitted.history_[0]


def test_rows_of_rated_items_have_length_one(parts: Split) -> None:
    matrix = rated_items(parts.train)
    lengths = np.sqrt((matrix.multiply(matrix)).sum(axis=1))
    np.testing.assert_allclose(lengths[lengths > 0], 1)


def test_without_validation_what_is_held_back_is_hidden_until_the_end(parts: Split) -> None:
    """A held-back item in the implicit set would make the validation RMSE too good."""
    train = parts.train
    model = SVDpp(n_factors=4, n_epochs=3).fit(train)
    whole = model.own_factors_ + rated_items(train) @ model.implicit_factors_
    np.testing.assert_allclose(model.user_factors_, whole)
