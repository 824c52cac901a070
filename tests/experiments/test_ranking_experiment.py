"""Ranking: only training ratings shape the lists, ties are drawn, the table names its protocol."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from step_by_step import do_steps

from qrec.analysis.table import to_text
from qrec.errors import ConfigError
from qrec.experiments.ranking import RankingExperiment, RankingRow, best_items, relevant_items
from qrec.recommenders import ALS, GlobalMean, Popularity
from qrec.runner.load import load
from qrec.types import of_type

SPEC: dict[str, Any] = {
    "schema_version": 1, "kind": "ranking", "name": "small", "title": "small", "seed": 2,
    "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
    "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
    "metrics": ["ndcg@5", "coverage@3"],
    "recommenders": [
        {"label": "popular", "recommender": "popularity"},
        {"label": "als", "recommender": "als", "params": {"n_factors": 2}},
        {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"}},
    ],
}  # fmt: skip


def experiment(**changes: Any) -> RankingExperiment:
    found = load(deepcopy(SPEC) | changes)
    assert isinstance(found, RankingExperiment)
    return found


def rows_of(found: RankingExperiment) -> dict[tuple[str, str], RankingRow]:
    rows = of_type(RankingRow, found.rows(do_steps(found)))
    return {(row.recommender, row.metric): row for row in rows}


@pytest.fixture(scope="module")
def plain() -> dict[tuple[str, str], RankingRow]:
    return rows_of(experiment())


def test_every_metric_of_every_recommender_says_its_protocol(plain: dict) -> None:
    assert list(plain) == [
        (label, metric)
        for label in ("popular", "als", "swap")
        for metric in ("rmse", "ndcg@5", "coverage@3")
    ]
    assert {row.metric: row.protocol for row in plain.values()} == {
        "rmse": "test ratings", "ndcg@5": "full catalogue", "coverage@3": "full catalogue"
    }  # fmt: skip
    assert [row.quantum for row in plain.values()] == [False] * 6 + [True] * 3
    table = to_text(experiment().tables(list(plain.values()))[0])
    assert "Protocol full catalogue" in table
    assert "swap (q)" in table


def test_the_overlap_test_ranks_as_the_factors_that_it_reads(plain: dict) -> None:
    assert plain["swap", "ndcg@5"].value == pytest.approx(plain["als", "ndcg@5"].value)


def test_what_only_orders_items_has_no_rmse(plain: dict) -> None:
    assert np.isnan(plain["popular", "rmse"].value)
    assert plain["popular", "ndcg@5"].value > 0


def test_lists_are_those_of_a_model_that_saw_the_training_part_alone() -> None:
    found = experiment()
    parts = found._split(0)
    users, _ = relevant_items(parts.test, 4.0)
    outcome = do_steps(found)["popular.r0"]
    np.testing.assert_array_equal(outcome.arrays["user"], users)
    model = Popularity().fit(parts.train)
    counts = np.bincount(parts.train.item, minlength=80)
    for user, row in zip(users, outcome.arrays["items"], strict=True):
        rated = parts.train.item[parts.train.user == user]
        assert not np.isin(row, rated).any()
        free = np.setdiff1d(np.flatnonzero(model.known_items_), rated)
        np.testing.assert_array_equal(counts[row], np.sort(counts[free])[::-1][: len(row)])


def test_items_are_relevant_from_the_rating_that_is_said() -> None:
    test = experiment()._split(0).test
    users, matrix = relevant_items(test, 5.0)
    liked = test.value == 5
    np.testing.assert_array_equal(users, np.unique(test.user[liked]))
    assert matrix.sum() == liked.sum()
    assert (np.diff(matrix.indptr) > 0).all()
    with pytest.raises(ConfigError, match="relevant: found 6, which no test rating reaches"):
        relevant_items(test, 6.0)


def test_items_of_one_score_come_in_drawn_order() -> None:
    """By code, a model that ties all would be as good as the codes, in MovieLens a lot."""
    train = experiment()._split(0).train
    model = GlobalMean().fit(train)
    users = np.unique(train.user)
    items = best_items(model, users, 10, np.random.default_rng(0))
    assert abs(items.mean() - 39.5) < 4
    assert len(np.unique(items)) == 80
    other = best_items(model, users, 10, np.random.default_rng(1))
    assert (items != other).any()


def test_scores_order_items_and_who_is_unknown_gets_none() -> None:
    train = experiment()._split(0).train
    model = ALS(n_factors=2).fit(replace(train, user_ids=np.arange(train.n_users + 1)))
    users = np.array([0, train.n_users], np.int32)
    items = best_items(model, users, 5, np.random.default_rng(0))
    np.testing.assert_array_equal(items[0], model.recommend(users[:1], 5)[0][0])
    assert (items[1] == -1).all()


def test_a_grid_is_refused() -> None:
    entry = {"label": "als", "recommender": "als", "grid": {"reg": [0.1, 0.2]}}
    with pytest.raises(ConfigError, match=r"recommenders.als: grid: found .* expected params"):
        experiment(recommenders=[entry])


def test_an_unknown_metric_is_refused_when_loaded() -> None:
    with pytest.raises(ConfigError, match=r"in metrics.*did you mean 'ndcg'"):
        experiment(metrics=["ndgc@10"])
