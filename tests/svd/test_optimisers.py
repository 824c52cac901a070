"""BFGS against scipy's, step by step; Adam and SPSA on what they must be able to solve."""

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from qrec.svd.bfgs import bfgs
from qrec.svd.factors import circuit_runs, n_parameters, random_angles
from qrec.svd.first_order import adam, spsa
from qrec.svd.line_search import LineSearch
from qrec.svd.objectives import KINDS, Criterion, ExactObjective


class Rosenbrock:
    """A function whose valley makes line searches bracket, interpolate and extrapolate."""

    def value(self, theta, rows):
        return np.array([rosen(row) for row in theta])

    def value_and_gradient(self, theta, rows):
        return self.value(theta, rows), np.array([rosen_der(row) for row in theta])


def exact_problem(kind, n=2, n_layers=2, rank=2, count=6):
    matrices = np.random.default_rng(1).uniform(-1, 1, (count, 2**n, 2**n))
    objective = ExactObjective(matrices, n_layers, Criterion(kind, np.arange(rank, 0, -1.0)))
    return objective, random_angles(count, n_parameters(n, n_layers), seed=2)


def scipy_bfgs(objective, start, row):
    def fun(theta):
        value, gradient = objective.value_and_gradient(theta[None], np.array([row]))
        return value[0], gradient[0]

    return minimize(fun, start, jac=True, method="BFGS")


@pytest.mark.parametrize("kind", [*KINDS, "rosenbrock"])
def test_takes_scipys_steps(kind):
    if kind == "rosenbrock":
        objective, start = Rosenbrock(), np.random.default_rng(4).uniform(-3, 3, (10, 4))
    else:
        objective, start = exact_problem(kind)
    found = bfgs(objective, start)
    same = 0
    for row in range(len(start)):
        reference = scipy_bfgs(objective, start[row], row)
        assert found.value[row] == pytest.approx(reference.fun, abs=1e-8)
        assert found.history[row][-1] == found.value[row]
        same += reference.nfev == found.n_values[row]
        same += reference.nit == len(found.history[row]) - 1
    # Rounding can add or save a step at the end of a long run, but seldom does.
    assert same >= 2 * len(start) - 4


def test_problems_do_not_depend_on_their_neighbours():
    objective, start = exact_problem("modified")
    together = bfgs(objective, start)

    class Third:
        def value_and_gradient(self, theta, rows):
            return objective.value_and_gradient(theta, rows + 2)

    alone = bfgs(Third(), start[2:3])
    np.testing.assert_allclose(alone.theta[0], together.theta[2], atol=1e-6)


@pytest.mark.parametrize("limit", [1, 7])
def test_bfgs_stops_at_max_iter(limit):
    objective, start = exact_problem("original")
    found = bfgs(objective, start, max_iter=limit)
    assert [len(values) for values in found.history] == [limit + 1] * len(start)
    assert all((np.diff(values) < 0).all() for values in found.history)


def test_finite_difference_count_is_scipys():
    """What we count for scipy's default gradient is what scipy then really asks for."""
    objective, start = exact_problem("modified", count=1)
    asked = []

    def fun(theta):
        asked.append(theta)
        return objective.value(theta[None], np.array([0]))[0]

    reference = minimize(fun, start[0], method="BFGS")
    criterion = Criterion("modified", np.ones(2))
    runs = circuit_runs(criterion, start.shape[1], reference.njev, reference.njev, per_value=2)
    assert runs["finite_difference"] == 2 * len(asked)


@pytest.mark.parametrize("kind", KINDS)
def test_adam_and_spsa_come_near_the_optimum_of_bfgs(kind):
    objective, start = exact_problem(kind, n=1, rank=1, count=4)
    best = bfgs(objective, start).value
    near = adam(objective, start)
    np.testing.assert_allclose(near.value, best, atol=1e-3)
    assert (near.n_values == 501).all()
    found = spsa(objective, start, max_iter=300, seed=1)
    np.testing.assert_allclose(found.value, best, atol=0.05)
    assert (found.n_values == 2 * 310 + 1).all()
    assert (found.n_gradients == 0).all()


def test_spsa_depends_on_its_seed_alone():
    objective, start = exact_problem("subspace")
    first, second = (spsa(objective, start, max_iter=20, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.theta, second.theta)
    assert (spsa(objective, start, max_iter=20, seed=4).theta != first.theta).any()


def test_a_line_search_ends_in_the_end():
    """A slope that never turns: every trial asks for a longer step, up to scipy's hundred."""
    search = LineSearch.begin(np.ones(1), np.zeros(1), -np.ones(1))
    for trial in range(1, 101):
        ended, failed = search.advance(-search.trial, -np.ones(1))
        assert ended == failed == (trial == 100)
