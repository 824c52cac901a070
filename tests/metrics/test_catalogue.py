"""Metrics of lists from the full catalogue: against trec_eval, by hand, and over drawn users."""

import warnings

import numpy as np
import pytest
import pytrec_eval
from numpy.testing import assert_allclose
from scipy.sparse import csr_array

from qrec.data import load_ratings, split
from qrec.errors import ConfigError
from qrec.experiments.ranking import best_items, relevant_items
from qrec.metrics.catalogue import (
    CATALOGUE_METRICS,
    CutMetric,
    Lists,
    find_list_metric,
)
from qrec.recommenders import Popularity
from qrec.registry import door

N_ITEMS = 30
TREC = {
    "ndcg": "ndcg_cut", "recall": "recall", "precision": "P", "hit_rate": "success",
    "average_precision": "map_cut",
}  # fmt: skip


def drawn(seed: int = 0, n_users: int = 60) -> Lists:
    """Return lists of ten, of which some are shorter and one is empty."""
    rng = np.random.default_rng(seed)
    weight = rng.random((n_users, N_ITEMS)) * np.linspace(1, 3, N_ITEMS)
    items = np.argsort(-weight, axis=1)[:, :10].astype(np.int32)
    items[np.arange(10) >= rng.integers(4, 25, n_users)[:, None]] = -1
    items[3] = -1
    relevant = rng.random((n_users, N_ITEMS)) < 0.15
    relevant[np.arange(n_users), rng.integers(0, N_ITEMS, n_users)] = True
    raters = np.random.default_rng(99).integers(0, 80, N_ITEMS)  # the same, whoever is drawn
    return Lists(items, csr_array(relevant.astype(float)), raters, 100)


def by_hand(items: list[list[int]], relevant: list[list[int]], n_items: int = 4) -> Lists:
    marks = np.zeros((len(items), n_items))
    for row, codes in enumerate(relevant):
        marks[row, codes] = 1
    return Lists(np.array(items, np.int32), csr_array(marks), np.arange(n_items), 4)


@pytest.fixture(params=CATALOGUE_METRICS.names())
def metric(request: pytest.FixtureRequest) -> CutMetric:
    return find_list_metric(f"{request.param}@10")


def trec_eval(lists: Lists, measures: set[str]) -> list[dict[str, float]]:
    """Return what trec_eval finds for each user."""
    marks = lists.relevant.toarray()
    wanted = {
        str(row): {f"d{item}": 1 for item in np.flatnonzero(of)} for row, of in enumerate(marks)
    }
    # It orders by score, so a place becomes one.
    found = {
        str(row): {f"d{item}": 100.0 - place for place, item in enumerate(own) if item >= 0}
        for row, own in enumerate(lists.items)
    }
    results = pytrec_eval.RelevanceEvaluator(wanted, measures).evaluate(found)
    # It has nothing to say of a user without recommendations, whose every metric is zero.
    return [results.get(str(row), {}) for row in range(len(lists.items))]


@pytest.mark.parametrize("cutoff", [1, 3, 10])
@pytest.mark.parametrize("name", TREC)
def test_each_user_has_what_trec_eval_finds(name, cutoff):
    lists, measure = drawn(), TREC[name]
    per_user = trec_eval(lists, {f"{measure}.{cutoff}"})
    assert_users(lists, f"{name}@{cutoff}", [u.get(f"{measure}_{cutoff}", 0.0) for u in per_user])


@pytest.mark.parametrize("cutoff", [1, 3, 10])
def test_reciprocal_rank_is_that_of_trec_eval_within_the_list(cutoff):
    lists = drawn()
    expected = [u.get("recip_rank", 0.0) for u in trec_eval(lists.first(cutoff), {"recip_rank"})]
    assert_users(lists, f"mrr@{cutoff}", expected)


def test_ml_100k_has_what_trec_eval_finds(data_dir):
    parts = split(load_ratings("ml-100k", data_dir=data_dir), seed=0)
    users, relevant = relevant_items(parts.test, 4.0)
    items = best_items(Popularity().fit(parts.train), users, 10, np.random.default_rng(0))
    raters = np.bincount(parts.train.item, minlength=parts.train.n_items)
    lists = Lists(items, relevant, raters, 943)
    for name, measure in TREC.items():
        per_user = [u[f"{measure}_10"] for u in trec_eval(lists, {f"{measure}.10"})]
        assert_users(lists, f"{name}@10", per_user)


def assert_users(lists: Lists, name: str, expected: list[float]) -> None:
    """Assert a metric of each user alone, and then its mean and standard error."""
    metric = find_list_metric(name)
    for row, value in enumerate(expected):
        own = Lists(
            lists.items[row : row + 1], lists.relevant[row : row + 1], lists.raters, 100
        )  # fmt: skip
        assert metric(own).value == pytest.approx(value, abs=1e-12)
    score = metric(lists)
    assert score.value == pytest.approx(np.mean(expected))
    assert score.stderr == pytest.approx(np.std(expected, ddof=1) / np.sqrt(len(expected)))


def test_beyond_relevance_by_hand():
    lists = by_hand([[3, 1], [3, 2], [3, -1]], [[3], [0], [1]])
    assert find_list_metric("coverage@2")(lists).value == 3 / 4
    assert find_list_metric("coverage@1")(lists).value == 1 / 4
    bits = -np.log2(np.array([0.5, 1, 2, 3]) / 4)  # nobody rated item 0: as if half a user had
    expected = np.mean([(bits[3] + bits[1]) / 2, (bits[3] + bits[2]) / 2, bits[3]])
    assert find_list_metric("novelty@2")(lists).value == pytest.approx(expected)
    times = np.array([0, 1, 1, 3])
    pairs = np.abs(times[:, None] - times).sum() / (2 * len(times) * times.sum())
    assert find_list_metric("gini@2")(lists).value == pytest.approx(pairs)
    even = by_hand([[0, 1], [2, 3]], [[3], [0]])
    assert find_list_metric("gini@2")(even).value == pytest.approx(0)
    never = by_hand([[0, -1]], [[3]])
    assert find_list_metric("novelty@2")(never).value == pytest.approx(bits[0])


def test_order_of_users_does_not_matter(metric):
    lists = drawn()
    mixed = np.random.default_rng(1).permutation(len(lists.items))
    again = metric(Lists(lists.items[mixed], lists.relevant[mixed], lists.raters, 100))
    assert_allclose((again.value, again.stderr), (metric(lists).value, metric(lists).stderr))


def test_standard_error_is_how_the_metric_scatters_over_drawn_users(metric):
    scores = [metric(drawn(seed)) for seed in range(300)]
    scatter, said = np.std([s.value for s in scores]), np.mean([s.stderr for s in scores])
    if metric.name == "coverage@10":  # the jackknife's is rather too large
        assert 0.85 * scatter <= said
    else:
        assert said == pytest.approx(scatter, rel=0.15)


def test_empty_lists_and_single_users_warn_of_nothing(metric):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric(by_hand([[-1, -1], [-1, -1]], [[0], [1]]))
        assert np.isnan(metric(by_hand([[0, 1]], [[1]])).stderr)


def test_its_column_says_what_it_is(metric):
    assert metric.header.endswith("@10")
    assert metric.format.format(0.5) not in ("", metric.format)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ndcg", "at least 1, as in 'ndcg@10'"),
        ("ndcg@0", "at least 1, as in 'ndcg@10'"),
        ("ndgc@10", "did you mean 'ndcg'"),
        ("rmse", "unknown catalogue metric .*'rmse'"),
        ("own:metric@3", "code of your own"),
    ],
)
def test_name_that_means_nothing_says_what_would(name, said):
    with pytest.raises(ConfigError, match=said) as caught:
        find_list_metric(name, " of the ranking")
    assert "of the ranking" in str(caught.value)


def test_metric_of_ones_own_is_found_beside_the_experiment(tmp_path):
    (tmp_path / "own_lists.py").write_text(
        "from qrec.metrics import Score\n"
        "from qrec.metrics.catalogue import ListMetric\n"
        "first = ListMetric('first', lambda lists: Score(float(lists.items.shape[1]), 0.0))\n"
        "number = 3\n"
    )
    with door(folder=tmp_path):
        found = find_list_metric("own_lists:first@2")
        with pytest.raises(ConfigError, match="is a int; expected a"):
            find_list_metric("own_lists:number@2")
    assert found(drawn()).value == 2
