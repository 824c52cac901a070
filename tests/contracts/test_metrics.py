"""What every metric keeps, found by discovery; and how one is found by its name."""

import warnings

import numpy as np
import pytest

from qrec.errors import ConfigError
from qrec.metrics import METRICS, BoundMetric, find_metric
from qrec.registry import door

N_USERS = 40


def full_name(name: str) -> str:
    return f"{name}@3" if METRICS.find(name).has_cutoff else name


@pytest.fixture(params=METRICS.names())
def metric(request: pytest.FixtureRequest) -> BoundMetric:
    return find_metric(full_name(request.param))


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return truth, predictions, a tenth of them unknown, and users."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 6, N_USERS * 8).astype(float)
    prediction = truth + rng.normal(size=N_USERS)[np.arange(len(truth)) % N_USERS]
    prediction[rng.random(len(truth)) < 0.1] = np.nan
    return truth, prediction + rng.normal(size=len(truth)), np.arange(len(truth)) % N_USERS


def test_order_of_pairs_and_names_of_users_do_not_matter(metric):
    truth, prediction, users = drawn()
    mixed = np.random.default_rng(1).permutation(len(truth))
    again = metric(truth[mixed], prediction[mixed], 1000 - 7 * users[mixed])
    first = metric(truth, prediction, users)
    assert (again.value, again.stderr) == pytest.approx((first.value, first.stderr))


def test_users_whose_pairs_could_not_be_scored_change_nothing_but_coverage(metric):
    truth, prediction, users = drawn()
    unknown = np.append(prediction, [np.nan, np.nan])
    again = metric(np.append(truth, [1.0, 5.0]), unknown, np.append(users, [99, 99]))
    assert (again == metric(truth, prediction, users)) == (metric.name != "coverage")


def test_nothing_scored_gives_no_figure(metric):
    score = metric(np.ones(4), np.full(4, np.nan), np.array([0, 0, 1, 1]))
    assert np.isnan(score.value) or metric.name == "coverage"


def test_nothing_is_divided_by_nothing(metric):
    """Numpy's warnings would stand above a table, and say nothing of its rows."""
    truth, prediction, users = drawn()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric(truth, prediction, users)
        metric(truth, np.full(len(truth), np.nan), users)
        metric(truth[:0], prediction[:0], users[:0])


def test_standard_error_is_how_the_metric_scatters_over_drawn_users(metric):
    scores = [metric(*drawn(seed)) for seed in range(300)]
    scatter = np.std([score.value for score in scores])
    assert np.mean([score.stderr for score in scores]) == pytest.approx(scatter, rel=0.15)


def test_column_says_which_metric_it_is(metric):
    assert metric.header
    assert metric.format.format(0.5) not in ("", metric.format)


def test_name_after_an_at_sign_is_how_many_items_count():
    assert find_metric("ndcg@5").name == "ndcg@5"
    assert find_metric("ndcg@5").header == "NDCG@5"
    truth, prediction, users = drawn()
    values = {find_metric(f"ndcg@{k}")(truth, prediction, users).value for k in (1, 2, 3)}
    assert len(values) == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ndcg@x", "at least 1, as in 'ndcg@10'"),
        ("ndcg@0", "at least 1, as in 'ndcg@10'"),
        ("ndcg", "at least 1, as in 'ndcg@10'"),
        ("ndcg@-1", "at least 1, as in 'ndcg@10'"),
        ("rmse@10", "write 'rmse'"),
        ("rsme", "did you mean 'rmse'"),
        ("rsme@10", "did you mean 'rmse'"),
        ("own:metric", "code of your own"),
    ],
)
def test_name_that_means_nothing_says_what_would(name, said):
    with pytest.raises(ConfigError, match=said) as caught:
        find_metric(name, " of the comparison")
    assert "metric" in str(caught.value)
    assert "of the comparison" in str(caught.value)


def test_metric_of_ones_own_is_found_beside_the_experiment(tmp_path):
    (tmp_path / "own_metrics.py").write_text(
        "import numpy as np\n"
        "from qrec.metrics import Metric, Score\n"
        "worst = Metric('worst', lambda t, p, u: Score(float(np.nanmax(abs(p - t))), np.nan))\n"
        "number = 3\n"
    )
    with door(folder=tmp_path):
        metric = find_metric("own_metrics:worst")
        with pytest.raises(ConfigError, match="is a int; expected a"):
            find_metric("own_metrics:number")
    assert metric.header == "worst"
    found = metric(np.array([1.0, 2.0]), np.array([1.5, np.nan]), np.array([0, 1]))
    assert found.value == 0.5
