"""Item and user neighbours, against loops."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from qrec.data import Ratings
from qrec.recommenders import ItemKNN, UserItemBias, UserKNN

BOTH = pytest.mark.parametrize("cls", [ItemKNN, UserKNN])
KNN = type[ItemKNN] | type[UserKNN]


def residual_table(ratings: Ratings, cls: KNN) -> NDArray[np.float64]:
    """Return residuals with the compared side in columns; nan is missing."""
    bias = UserItemBias().fit(ratings)
    error = ratings.value - bias.offset(ratings.user, ratings.item)
    table = np.full((ratings.n_users, ratings.n_items), np.nan)
    table[ratings.user, ratings.item] = error
    return table if cls is ItemKNN else table.T


@BOTH
@pytest.mark.parametrize("shrinkage", [0.0, 5.0])
def test_similarity_is_the_correlation_over_what_both_have(
    cls: KNN, shrinkage: float, ratings: Ratings
) -> None:
    table = residual_table(ratings, cls)
    similarity = cls(shrinkage=shrinkage).fit(ratings).similarity_
    for i, j in np.ndindex(similarity.shape):
        both = ~np.isnan(table[:, i]) & ~np.isnan(table[:, j])
        a, b = table[both, i], table[both, j]
        if not both.any():
            assert similarity[i, j] == 0
            continue
        correlation = a @ b / np.sqrt((a @ a) * (b @ b))
        expected = both.sum() / (both.sum() + shrinkage) * correlation
        assert similarity[i, j] == pytest.approx(expected, abs=1e-6)


@BOTH
@pytest.mark.parametrize("n_neighbors", [1, 4, 1000])
def test_prediction_is_the_weighted_mean_over_the_nearest(
    cls: KNN, n_neighbors: int, ratings: Ratings
) -> None:
    table = residual_table(ratings, cls)
    model = cls(n_neighbors=n_neighbors).fit(ratings)
    # Similarities without ties, which real ones from few ratings have: which of two equally
    # near neighbours is taken is left open.
    n = table.shape[1]
    model.similarity_ = np.random.default_rng(0).uniform(-1, 1, (n, n)).astype(np.float32)
    users, items = np.divmod(np.arange(0, 39 * 24, 5), 24)
    expected = UserItemBias().fit(ratings).offset(users, items)
    rows, columns = (users, items) if cls is ItemKNN else (items, users)
    for pair, (row, column) in enumerate(zip(rows, columns, strict=True)):
        rated = np.flatnonzero(~np.isnan(table[row]))
        weighted = sorted((model.similarity_[column, j], table[row, j]) for j in rated)
        nearest = [(s, e) for s, e in weighted[-n_neighbors:] if s > 0]
        if nearest:
            expected[pair] += sum(s * e for s, e in nearest) / sum(s for s, _ in nearest)
    got = model.predict(np.column_stack([users, items]))
    assert_allclose(got, np.clip(expected, 1, 5), atol=1e-6)


@BOTH
def test_with_no_neighbour_the_bias_is_left(cls: KNN) -> None:
    ratings = Ratings(
        user=np.array([0, 1], np.int32),
        item=np.array([0, 1], np.int32),
        value=np.array([2.0, 5.0]),
        user_ids=np.arange(2),
        item_ids=np.arange(2),
        scale=(1.0, 5.0),
    )
    pairs = np.array([[0, 1], [1, 0]])
    assert_allclose(cls().fit(ratings).predict(pairs), UserItemBias().fit(ratings).predict(pairs))


def test_an_agreeing_user_moves_the_prediction_his_way() -> None:
    """Users 0 and 1 agree and user 2 is opposed; 1 likes item 3 and 2 does not."""
    table = np.array([[5, 1, 5, 0, 1], [5, 1, 5, 5, 1], [1, 5, 1, 1, 5]])
    user, item = np.nonzero(table)
    ratings = Ratings(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        value=table[user, item].astype(float),
        user_ids=np.arange(3),
        item_ids=np.arange(5),
        scale=(1.0, 5.0),
    )
    pair = np.array([[0, 3]])
    bias = UserItemBias().fit(ratings).predict(pair)
    assert UserKNN().fit(ratings).predict(pair) > bias + 0.5
