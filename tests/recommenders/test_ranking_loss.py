"""Drawn negatives, the ranking loss of circuits, and what models that only order items refuse."""

import numpy as np
import pytest

from qrec.data import Ratings, Split, load_ratings, split
from qrec.errors import ConfigError, DataError
from qrec.experiments.ranking import best_items, relevant_items
from qrec.metrics.catalogue import Lists, find_list_metric
from qrec.recommenders import EASE, AngleNet, CircuitRecommender, Popularity, UserItemBias
from qrec.recommenders._negatives import Negatives
from qrec.recommenders.base import Recommender


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(load_ratings(n_users=150, n_items=200, n_ratings=8000), seed=1)


def few(pairs: list[tuple[int, int]], n_users: int, n_items: int) -> Ratings:
    users, items = np.array(pairs, np.int32).T
    ids = np.arange(n_users), np.arange(n_items)
    return Ratings(users, items, np.full(len(pairs), 3.0), *ids, scale=(1.0, 5.0))


def test_negatives_are_all_unrated_items_equally_often() -> None:
    ratings = few([(0, 1), (0, 4), (1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (3, 0)], 4, 6)
    drawn = Negatives(ratings).draw(np.array([0, 1, 2, 3]), 60_000, np.random.default_rng(0))
    for row, unrated in zip(drawn, ([0, 2, 3, 5], [5], range(6), range(1, 6)), strict=True):
        found, times = np.unique(row, return_counts=True)
        np.testing.assert_array_equal(found, list(unrated))
        np.testing.assert_allclose(times, 60_000 / len(found), rtol=0.03)


def test_negatives_leave_out_the_ratings_of_every_part() -> None:
    first, second = few([(0, 0), (0, 2)], 1, 4), few([(0, 1)], 1, 4)
    drawn = Negatives(first, second).draw(np.array([0]), 50, np.random.default_rng(0))
    assert (drawn == 3).all()


def test_who_rated_everything_has_no_negatives_and_is_left_out_of_the_loss() -> None:
    every = [(0, item) for item in range(4)]
    assert not Negatives(few(every, 2, 4)).exist(np.array([0, 1])).all()
    ratings = few([*every, (1, 0), (1, 2), (2, 1), (2, 3)], 3, 4)
    model = AngleNet(n_factors=1, n_layers=1, loss="ranking", n_epochs=2, batch_size=3)
    model.fit(ratings, validation=few([(1, 1), (2, 0)], 3, 4))
    assert np.isfinite(model.history_).all()
    with pytest.raises(DataError, match="all users rated all of 4 items"):
        model.fit(few(every, 2, 4), validation=few([(0, 1)], 2, 4))


def ndcg(model: Recommender, parts: Split) -> float:
    users, relevant = relevant_items(parts.test, 4.0)
    items = best_items(model, users, 10, np.random.default_rng(0))
    raters = np.bincount(parts.train.item, minlength=parts.train.n_items)
    return find_list_metric("ndcg@10")(Lists(items, relevant, raters, 150)).value


@pytest.mark.parametrize("n_negatives", [1, 5])
def test_ranking_loss_ranks_better_than_squared_error(parts: Split, n_negatives: int) -> None:
    params = {"n_factors": 2, "n_layers": 2, "learning_rate": 0.05, "batch_size": 256}
    squared = AngleNet(**params).fit(parts.train, validation=parts.validation)
    ranking = AngleNet(**params, loss="ranking", n_negatives=n_negatives, reg=0.005)
    ranking.fit(parts.train, validation=parts.validation)
    assert ranking.history_.min() < 0.9 * np.log(1 + n_negatives)
    assert ndcg(ranking, parts) > 1.3 * ndcg(squared, parts)


def test_one_negative_is_bpr_with_its_gradient(parts: Split) -> None:
    """One step of gradient descent on the loss, written out for the item biases."""
    train = parts.train[:40]
    model = CircuitRecommender(
        "angle_net", loss="ranking", n_epochs=1, batch_size=40, reg=0.0, learning_rate=1e-3,
        patience=9,
    )  # fmt: skip
    model.fit(train, validation=train)
    # Adam's first step is the learning rate times the sign of the gradient: rated items go up.
    rated = np.bincount(train.item, minlength=train.n_items)
    moved = model.item_bias_[rated > 0]
    assert (moved > 0).mean() > 0.9
    assert model.history_[0] == pytest.approx(np.log(2), abs=0.2)


def test_parameter_shift_takes_the_same_loss(parts: Split) -> None:
    small = parts.train[:30]
    params = {"n_factors": 1, "n_layers": 1, "loss": "ranking", "n_negatives": 2, "n_epochs": 1}
    exact = AngleNet(**params).fit(small, validation=small)
    shifted = AngleNet(**params, training="parameter_shift").fit(small, validation=small)
    np.testing.assert_allclose(shifted.history_, exact.history_, rtol=1e-5)
    np.testing.assert_allclose(shifted.theta_, exact.theta_, atol=1e-5)
    asked = shifted.questions(small, small)
    assert sum(one.times * len(w) for one in asked for w in one.workloads) % (3 * 30) == 0


@pytest.mark.parametrize(
    "model",
    [Popularity(), EASE(feedback="implicit"), AngleNet(n_factors=1, loss="ranking", n_epochs=0)],
    ids=["popularity", "ease", "angle_net"],
)
def test_what_only_orders_items_predicts_no_rating(parts: Split, model: Recommender) -> None:
    model.fit(parts.train, validation=parts.validation)
    assert np.isnan(model.predict(parts.test)).all()
    assert not np.isnan(model.recommend(np.array([0, 1]), 5)[1]).any()
    with pytest.raises(ConfigError, match="orders items and predicts no ratings"):
        model.score(parts.test)


def test_implicit_ease_is_stecks_model(parts: Split) -> None:
    train = parts.train
    model = EASE(reg=50.0, feedback="implicit").fit(train)
    x = np.zeros((train.n_users, train.n_items))
    x[train.user, train.item] = 1
    p = np.linalg.inv(x.T @ x + 50 * np.eye(train.n_items))
    b = p / -np.diag(p)
    np.fill_diagonal(b, 0)
    items, scores = model.recommend(np.array([3]), 4)
    np.testing.assert_allclose(scores[0], (x[3] @ b)[items[0]], atol=1e-10)
    again = model.fold_in(train)
    np.testing.assert_allclose(again.recommend(np.array([3]), 4)[1], scores)
    assert ndcg(model, parts) > ndcg(EASE().fit(train), parts)
    assert ndcg(Popularity().fit(train), parts) > ndcg(UserItemBias().fit(train), parts)
