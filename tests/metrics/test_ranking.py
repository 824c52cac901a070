"""Ranking metrics against scikit-learn, by hand, and against drawn orders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import ndcg_score

from qrec.errors import DataError
from qrec.metrics import ndcg, precision, recall

# Few values, so that many predictions and ratings tie.
_VALUES = st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0])
_ONE_USER = np.zeros(5, int)


@given(hnp.arrays(float, (3, 2, 6), elements=_VALUES), st.integers(1, 8))
def test_ndcg_is_that_of_scikit_learn_averaged_over_users(values, at):
    truth, prediction = values[:, 0], values[:, 1]
    users = np.repeat([7, 3, 5], 6)
    found = ndcg(truth.ravel(), prediction.ravel(), users, at)
    each = [ndcg_score([t], [p], k=at) for t, p in zip(truth, prediction, strict=True)]
    assert found.value == pytest.approx(np.mean(each))
    assert found.stderr == pytest.approx(np.std(each, ddof=1) / np.sqrt(3))


def test_precision_and_recall_by_hand():
    truth = np.array([5.0, 4.0, 3.0, 4.0, 1.0])
    prediction = np.array([0.9, 0.1, 0.8, 0.7, 0.2])
    assert precision(truth, prediction, _ONE_USER, 3).value == pytest.approx(2 / 3)
    assert recall(truth, prediction, _ONE_USER, 3).value == pytest.approx(2 / 3)
    assert recall(truth, prediction, _ONE_USER, 1).value == pytest.approx(1 / 3)
    assert precision(truth, prediction, _ONE_USER, 9).value == pytest.approx(3 / 5), "all five"


@pytest.mark.parametrize("metric", [ndcg, precision, recall])
def test_tied_predictions_are_worth_what_chance_is(metric):
    rng = np.random.default_rng(0)
    truth, tied = np.array([5.0, 4.0, 3.0, 2.0, 1.0]), np.array([2.0, 1.0, 1.0, 1.0, 1.0])
    orders = [
        metric(truth, tied + 0.5 * rng.permutation(5) / 5, _ONE_USER, 2).value for _ in range(4000)
    ]
    assert metric(truth, tied, _ONE_USER, 2).value == pytest.approx(np.mean(orders), abs=0.01)


@pytest.mark.parametrize("metric", [ndcg, precision, recall])
def test_users_with_nothing_to_rank_are_left_out(metric):
    truth, prediction = np.array([4.0, 1.0, 5.0, 5.0, 2.0]), np.array([1.0, 2.0, 3.0, 2.0, np.nan])
    users = np.array([0, 0, 1, 2, 2])
    alone = metric(truth[:2], prediction[:2], users[:2], 1)
    assert metric(truth, prediction, users, 1).value == alone.value < 1


def test_user_without_a_relevant_item_counts_in_precision_alone():
    truth, prediction = np.array([5.0, 1.0, 2.0, 1.0]), np.array([2.0, 1.0, 2.0, 1.0])
    users = np.array([0, 0, 1, 1])
    assert precision(truth, prediction, users, 1).value == 0.5
    assert recall(truth, prediction, users, 1).value == 1.0


def test_ratings_that_are_no_gain_or_of_a_longer_scale_are_refused():
    users, order = np.zeros(2, int), np.array([2.0, 1.0])
    with pytest.raises(DataError, match="-1"):
        ndcg(np.array([-1.0, 2.0]), order, users, 2)
    for metric in (precision, recall):
        with pytest.raises(DataError, match="a rating is 8"):
            metric(np.array([8.0, 2.0]), order, users, 2)
    assert np.isnan(ndcg(np.zeros(2), order, users, 2).value), "no rating above 0"
