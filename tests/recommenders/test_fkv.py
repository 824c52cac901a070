"""Tang's sampler against the matrix that it approximates."""

import numpy as np
import pytest
from scipy.stats import chisquare

from qrec.data import Ratings, load_ratings
from qrec.recommenders import FKV
from qrec.recommenders.base import rating_matrix


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    return load_ratings(n_users=60, n_items=80, n_ratings=1300)


def error(matrix: np.ndarray, vectors: np.ndarray) -> float:
    return np.linalg.norm(matrix - matrix @ vectors @ vectors.T) / np.linalg.norm(matrix)


def test_never_better_than_the_svd_and_near_it_with_many_rows(ratings: Ratings) -> None:
    matrix = rating_matrix(ratings).toarray()
    optimum = error(matrix, np.linalg.svd(matrix)[2][:3].T)
    found = []
    for n_rows in (20, 200, 2000):
        vectors = FKV(n_factors=3, n_rows=n_rows).fit(ratings).item_vectors_
        found.append(error(matrix, np.linalg.qr(vectors)[0]))
        assert min(found[-1], error(matrix, vectors)) >= optimum - 1e-12
    assert found[-1] == pytest.approx(optimum, abs=0.01)
    assert found[0] > found[-1]


def test_sampled_rows_have_one_length_and_their_gram_matrix_is_the_matrix_own(
    ratings: Ratings,
) -> None:
    model = FKV(n_rows=50, n_factors=1).fit(ratings)
    matrix = model._matrix().toarray()
    lengths = np.linalg.norm(model._sampled_rows().toarray(), axis=1)
    np.testing.assert_allclose(lengths, np.linalg.norm(matrix) / 50**0.5)
    grams = []
    for seed in range(150):
        rows = FKV(n_rows=50, n_factors=1, random_state=seed).fit(ratings)._sampled_rows()
        grams.append((rows.T @ rows).toarray())
    gram = matrix.T @ matrix
    assert np.linalg.norm(np.mean(grams, axis=0) - gram) < 0.05 * np.linalg.norm(gram)


def test_prediction_is_the_overlap_with_the_vectors(ratings: Ratings) -> None:
    model = FKV(n_factors=4, n_rows=80).fit(ratings)
    matrix, v = rating_matrix(ratings).toarray(), model.item_vectors_
    expected = np.clip((matrix @ v @ v.T)[ratings.user, ratings.item], 1, 5)
    np.testing.assert_allclose(model.predict(ratings), expected, atol=1e-10)


def test_overlaps_are_right_on_average(ratings: Ratings) -> None:
    model = FKV(n_factors=3, n_rows=100, n_draws=200_000).fit(ratings)
    row = model._matrix()[5:6]
    found = model._overlaps(row, np.random.default_rng(1))
    np.testing.assert_allclose(found, (row @ model.item_vectors_)[0], atol=0.02)


def test_sampler_equals_its_distribution(ratings: Ratings) -> None:
    model = FKV(n_factors=3, n_rows=30, n_draws=200_000, random_state=3).fit(ratings)
    drawn = model.sample(np.array([5]), 10_000)[0]
    exact = (model._matrix()[5:6] @ model.item_vectors_)[0] @ model.item_vectors_.T
    exact[ratings.item[ratings.user == 5]] = 0.0
    assert not set(drawn) & set(ratings.item[ratings.user == 5])
    expected = exact**2 / (exact**2).sum() * len(drawn)
    usual = expected >= 5  # what chi-square needs
    counts = np.bincount(drawn, minlength=ratings.n_items)
    observed = np.append(counts[usual], counts[~usual].sum())
    assert chisquare(observed, np.append(expected[usual], expected[~usual].sum())).pvalue > 0.01


def test_who_rated_everything_is_recommended_nothing() -> None:
    users, items = np.repeat(np.arange(4), 5), np.tile(np.arange(5), 4)
    ratings = Ratings(
        users.astype(np.int32), items.astype(np.int32), np.arange(1.0, 21.0),
        np.arange(4), np.arange(5), (1.0, 20.0),
    )  # fmt: skip
    assert (FKV(n_factors=1, n_rows=5).fit(ratings).sample(np.array([0]), 2) == -1).all()


@pytest.mark.parametrize("value", [3.0, 1e-200, -7.0, 0.0])
def test_ratings_that_are_all_equal(value: float) -> None:
    users, items = np.repeat(np.arange(9), 7), np.tile(np.arange(7), 9)
    ratings = Ratings(
        users.astype(np.int32), items.astype(np.int32), np.full(63, value),
        np.arange(9), np.arange(7), (-10.0, 10.0),
    )  # fmt: skip
    predicted = FKV(n_rows=10).fit(ratings).predict(ratings)
    np.testing.assert_allclose(predicted, value if value else np.nan, rtol=1e-9)
