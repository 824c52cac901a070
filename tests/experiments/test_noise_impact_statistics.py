"""Thresholds on made curves, expected errors by shots against drawn ones, variances of readings."""

import numpy as np
import pytest
from qiskit.quantum_info import SparseObservable

from qrec.backends import Workload, noiseless
from qrec.circuits.pair_net import pair_net
from qrec.experiments.noise.impact.mitigation import fitted_line
from qrec.experiments.noise.impact.readings import ask_with_variance, predictions
from qrec.experiments.noise.impact.results import spearman
from qrec.experiments.noise.impact.statistics import (
    Resampled,
    bounds,
    first_above,
    shots_needed,
    squared_error,
)
from qrec.recommenders.als import ALS
from qrec.recommenders.pair_net import PairNet
from qrec.recommenders.swap_test import SwapTest

SCALE = (1.0, 5.0)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([-1.0, -0.5, 0.5, 2.0], 1.5),  # half way from 1 to 2
        ([-3.0, -2.0, -1.0, 1.0], 3.0),
        ([0.1, -1.0, 0.5, 2.0], 0.0),  # behind without noise, whatever follows
        ([-1.0, -1.0, -1.0, -1.0], np.inf),
        ([-1.0, 1.0, -1.0, 1.0], 0.5),  # the first time
        ([-1.0, 0.0, 0.0, 1.0], 2.0),  # being level is not being behind
    ],
)
def test_the_first_place_above_zero(curve, expected):
    x = np.array([0.0, 1.0, 2.0, 4.0])
    assert first_above(x, np.array([curve]))[0] == pytest.approx(expected)


def test_bounds_hold_what_lies_beyond():
    found = bounds(np.array([2.0, *np.arange(1, 101), *[np.inf] * 10]))
    assert (found.value, found.low, found.high) == (2.0, 3.0, np.inf)
    assert np.isnan(bounds(np.array([2.0])).low)


@pytest.mark.parametrize("sd", [0.1, 1.0, 5.0])
def test_the_expected_error_of_clipped_normal_ratings(sd):
    draw = np.random.default_rng(1)
    rating, truth = np.array([0.9, 1.1, 3.0, 4.9]), np.array([1.0, 3.0, 2.5, 5.0])
    drawn = np.clip(rating + sd * draw.normal(size=(400_000, 4)), *SCALE)
    squares = (drawn - truth) ** 2
    apart = np.abs(squared_error(rating, np.full(4, sd), truth, SCALE) - squares.mean(axis=0))
    assert (apart < 5 * squares.std(axis=0) / np.sqrt(len(squares)) + 1e-12).all()


def test_without_spread_the_expected_error_is_that_of_the_clipped_rating():
    rating, truth = np.array([-2.0, 3.2, 8.0]), np.array([1.5, 3.0, 4.0])
    expected = (np.clip(rating, *SCALE) - truth) ** 2
    np.testing.assert_allclose(squared_error(rating, np.zeros(3), truth, SCALE), expected)


def test_shots_needed_without_clipping_have_a_closed_form():
    draw = np.random.default_rng(2)
    users = np.repeat(np.arange(50), 20)
    truth = draw.uniform(1, 5, 1000)
    rating, sd = truth + draw.normal(size=1000), np.full(1000, 3.0)
    sampled = Resampled(truth, users, 0)
    found = shots_needed(sampled, rating, sd, (-1e6, 1e6), 0.01)
    limit = np.sqrt(np.mean((rating - truth) ** 2))
    expected = 9 / ((limit + 0.01) ** 2 - limit**2)
    assert found.value == pytest.approx(expected, rel=0.01)
    assert found.low < expected < found.high


def test_one_shot_suffices_where_shots_do_nothing():
    users = np.repeat(np.arange(20), 5)
    truth = np.full(100, 3.0)
    found = shots_needed(Resampled(truth, users, 0), truth + 0.5, np.zeros(100), SCALE, 0.01)
    assert (found.value, found.high) == (1.0, 1.0)


def ask(backend, workloads):
    return backend.run(workloads)


def test_the_variance_of_a_shot_is_that_of_the_outcomes():
    circuit = pair_net(2)
    rows = np.random.default_rng(3).uniform(-2, 2, (5, circuit.num_parameters))
    observable = SparseObservable.from_sparse_list([("ZZ", [0, 2], 1.0), ("Z1", [1, 3], 0.5)], 4)
    [variance] = ask_with_variance(
        ask, noiseless(), [Workload(circuit, observable, rows, "w")]
    ).variances
    probabilities = noiseless().sampler().run([(measured(circuit), rows, 40_000)]).result()[0]
    bits = np.array([list(map(int, s[::-1])) for s in probabilities.data.c.get_bitstrings()])
    bits = bits.reshape(5, 40_000, 4)
    z = 1 - 2 * bits
    seen = z[..., 0] * z[..., 2] + 0.5 * z[..., 1] * bits[..., 3]
    np.testing.assert_allclose(variance, seen.var(axis=1), atol=0.03)


def measured(circuit):
    from qiskit import ClassicalRegister

    out = circuit.copy()
    register = ClassicalRegister(out.num_qubits, "c")
    out.add_register(register)
    out.measure(range(out.num_qubits), register)
    return out


@pytest.mark.parametrize("several", [False, True], ids=["one reading", "one by sample"])
def test_the_error_by_shots_is_that_of_drawn_ones(rated, several):
    """A pair net reads one circuit for each of its posterior samples: their variances add."""
    from qrec.backends import open_backend

    train, pairs = rated
    model = PairNet(n_factors=1, gain=2.0, n_samples=6, n_burn_in=5) if several else SwapTest(
        ALS(n_factors=2)
    )  # fmt: skip
    model.fit(train)
    found = predictions(
        model, pairs, ask_with_variance(ask, noiseless(), model.workloads(pairs, "key"))
    )
    np.testing.assert_allclose(found["prediction"], model.predict(pairs), atol=1e-12)
    shots, drawn = 8 if several else 64, []
    for seed in range(40):
        backend = open_backend({"kind": "exact", "shots": shots, "seed_simulator": seed})
        drawn.append(model.set_params(backend=backend).predict(pairs))
    squares = np.mean((np.array(drawn) - pairs.value) ** 2, axis=1)
    sd = found["shot_sd"] / np.sqrt(shots)
    expected = squared_error(found["rating"], sd, pairs.value, pairs.scale).mean()
    limit = np.mean((found["prediction"] - pairs.value) ** 2)
    assert abs(squares.mean() - expected) < 4 * squares.std(ddof=1) / np.sqrt(len(squares))
    assert expected - limit > 8 * squares.std(ddof=1) / np.sqrt(len(squares))  # it is seen


@pytest.fixture(scope="module")
def rated():
    from qrec.data import load_ratings, split

    ratings = load_ratings("synthetic", n_users=60, n_items=80, n_ratings=1600)
    parts = split(ratings, "random", seed=1, ratios=[0.6, 0.2, 0.2])
    known = np.isin(parts.test.user, parts.train.user) & np.isin(parts.test.item, parts.train.item)
    return parts.train, parts.test[known]


def test_a_line_takes_back_what_shrinks_and_shifts(rated):
    train, pairs = rated
    model = SwapTest(ALS(n_factors=2)).fit(train)
    ideal = ask_with_variance(ask, noiseless(), model.workloads(pairs, "key"))
    noisy = ideal.on_line(0.8, 0.05)
    back = noisy.on_line(*fitted_line(noisy, ideal))
    np.testing.assert_allclose(back.readings[0].value, ideal.readings[0].value, atol=1e-12)
    np.testing.assert_allclose(noisy.variances[0], 0.64 * ideal.variances[0])
    np.testing.assert_allclose(back.variances[0], ideal.variances[0])


def test_rank_correlation():
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 21.0])) == pytest.approx(1.0)
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1.0)
    assert spearman(np.array([1.0, 1.0]), np.array([1.0, 2.0])) is None
