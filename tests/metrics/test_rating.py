"""Metrics against a slow reference, and their standard errors against a simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qrec.metrics import coverage, mae, prediction_range, rmse

_RATINGS = st.floats(1, 5)


@given(hnp.arrays(float, (12, 2), elements=_RATINGS))
def test_values_are_those_of_the_definitions(values):
    truth, prediction = values.T
    users = np.arange(12)
    errors = [float(p - t) for t, p in zip(truth, prediction, strict=True)]
    expected = math.sqrt(sum(e * e for e in errors) / 12)
    assert rmse(truth, prediction, users).value == pytest.approx(expected)
    assert mae(truth, prediction, users).value == pytest.approx(sum(map(abs, errors)) / 12)


def test_pairs_that_were_not_scored_count_in_coverage_alone():
    truth, prediction = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, np.nan, 2.0, 5.0])
    users = np.array([0, 0, 1, 2])
    assert rmse(truth, prediction, users).value == 1.0
    assert mae(truth, prediction, users).value == 1.0
    assert coverage(truth, prediction, users).value == 0.75
    assert prediction_range(prediction) == (2.0, 5.0)


def test_nothing_scored_gives_no_figure():
    nothing = np.full(3, np.nan)
    for metric in (rmse, mae):
        score = metric(np.ones(3), nothing, np.arange(3))
        assert np.isnan([score.value, score.stderr]).all()
    assert coverage(np.ones(3), nothing, np.arange(3)).value == 0
    assert np.isnan(prediction_range(nothing)).all()


def test_perfect_predictions_have_no_error_of_the_error():
    truth = np.array([1.0, 2.0, 3.0])
    assert rmse(truth, truth, np.arange(3)).stderr == 0


@pytest.mark.parametrize("metric", [rmse, mae])
def test_standard_error_holds_when_the_errors_of_a_user_correlate(metric):
    """Over many drawn test sets, the metric scatters as its standard error says."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(80), 10)
    scores = []
    for _ in range(400):
        errors = rng.normal(size=80)[users] * 0.8 + rng.normal(size=800) * 0.6
        scores.append(metric(np.zeros(800), errors, users))
    scatter = np.std([score.value for score in scores])
    claimed = np.mean([score.stderr for score in scores])
    assert claimed == pytest.approx(scatter, rel=0.1)
    as_if_independent = metric(np.zeros(800), errors, np.arange(800)).stderr
    assert as_if_independent < 0.8 * scatter


def test_one_user_says_nothing_about_users():
    assert np.isnan(rmse(np.zeros(3), np.arange(3.0), np.zeros(3, int)).stderr)
