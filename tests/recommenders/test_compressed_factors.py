"""The compressed model against a dense singular value decomposition, and its circuit."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qrec.data import Ratings
from qrec.errors import ConfigError
from qrec.recommenders import ALS, BayesianMF, CompressedFactors, SwapTest


@pytest.fixture(scope="module")
def base() -> BayesianMF:
    return BayesianMF(n_factors=3, n_samples=6, n_burn_in=4)


def dense(model) -> np.ndarray:
    """Return all unclipped predictions of known users and items."""
    users, items = np.flatnonzero(model.known_users_), np.flatnonzero(model.known_items_)
    return model._predict_all(users.astype(np.int32))[:, items]


def left_over(matrix: np.ndarray) -> np.ndarray:
    """Return the matrix without its means per row and per column."""
    rows, columns = matrix.mean(axis=1, keepdims=True), matrix.mean(axis=0)
    return matrix - rows - columns + matrix.mean()


@pytest.mark.parametrize("n_factors", [1, 3])
def test_it_is_the_truncated_decomposition_of_what_the_base_predicts(
    ratings: Ratings, base, n_factors: int
) -> None:
    # Item 3 and user 4 are unknown: nothing of theirs may move the others' approximation.
    known = ratings[(ratings.item != 3) & (ratings.user != 4)]
    whole = dense(base.fit(known))
    model = CompressedFactors(base, n_factors).fit(known)
    u, s, vt = np.linalg.svd(left_over(whole))
    expected = whole - left_over(whole) + (u[:, :n_factors] * s[:n_factors]) @ vt[:n_factors]
    assert_allclose(dense(model), expected, atol=1e-10)
    assert model.user_factors_.shape == (ratings.n_users, n_factors)


def test_a_base_of_as_many_factors_stays_as_it_is(ratings: Ratings) -> None:
    model = CompressedFactors(ALS(n_factors=3, centre="bias"), n_factors=3).fit(ratings)
    assert_allclose(
        model.predict(ratings), ALS(n_factors=3, centre="bias").fit(ratings).predict(ratings)
    )


def test_the_signed_overlap_test_equals_its_compressed_base(ratings: Ratings, base) -> None:
    compressed = CompressedFactors(base, n_factors=4)
    model = SwapTest(compressed, estimate="signed").fit(ratings)
    assert model.fitted_circuit().num_qubits == 3
    assert_allclose(model.predict(ratings), compressed.fit(ratings).predict(ratings), atol=1e-9)


def test_more_factors_than_the_base_has_are_refused(ratings: Ratings) -> None:
    with pytest.raises(ConfigError, match=r"n_factors is 5; expected at most 4, .*base's factors"):
        CompressedFactors(ALS(n_factors=4), n_factors=5).fit(ratings)
