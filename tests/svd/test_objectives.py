"""The linear algebra against an independent product of Kronecker products, and its gradient."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qrec.svd.factors import decompose, n_parameters, random_angles, train
from qrec.svd.objectives import KINDS, Criterion, ExactObjective

sys.path.insert(0, str(Path(__file__).parents[1] / "circuits"))
from dense_algebra import objective_matrix

problems = st.tuples(
    st.integers(1, 3), st.integers(1, 3), st.sampled_from(KINDS), st.booleans(), st.integers(0, 99)
)


def problem(n, n_layers, kind, is_complex, seed, count=3):
    rng = np.random.default_rng(seed)
    matrices = rng.uniform(-1, 1, (count, 2**n, 2**n))
    if is_complex:
        matrices = matrices + 1j * rng.uniform(-1, 1, matrices.shape)
    rank = int(rng.integers(1, 2**n + 1))
    objective = ExactObjective(matrices, n_layers, Criterion(kind, np.arange(rank, 0, -1.0)))
    theta = rng.uniform(-np.pi, np.pi, (count, objective.n_parameters))
    return matrices, rank, objective, theta


@given(problems)
def test_elements_are_those_of_the_dense_product(arguments):
    matrices, rank, objective, theta = problem(*arguments)
    u, v = np.split(theta, 2, axis=1)
    for row in range(len(matrices)):
        dense = objective_matrix(matrices[row], arguments[1], u[row], v[row])[:rank, :rank]
        found = objective.elements(theta[[row]], np.array([row]))[0]
        np.testing.assert_allclose(found, dense, atol=1e-12)


@given(problems)
def test_gradient_is_that_of_central_differences(arguments):
    _, _, objective, theta = problem(*arguments)
    rows = np.arange(len(theta))
    value, gradient = objective.value_and_gradient(theta, rows)
    np.testing.assert_allclose(value, objective.value(theta, rows), atol=1e-12)
    step = 1e-5
    for k in range(theta.shape[1]):
        move = np.zeros_like(theta)
        move[:, k] = step
        ahead, behind = objective.value(theta + move, rows), objective.value(theta - move, rows)
        np.testing.assert_allclose(gradient[:, k], (ahead - behind) / (2 * step), atol=1e-7)


@given(problems)
def test_rows_may_come_in_any_order_and_number(arguments):
    _, _, objective, theta = problem(*arguments)
    value, gradient = objective.value_and_gradient(theta, np.arange(3))
    rows = np.array([2, 0, 2])
    again, gradient_again = objective.value_and_gradient(theta[rows], rows)
    np.testing.assert_allclose(again, value[rows], atol=1e-13)
    np.testing.assert_allclose(gradient_again, gradient[rows], atol=1e-13)


@given(problems)
def test_no_objective_exceeds_what_ky_fan_allows(arguments):
    matrices, rank, objective, theta = problem(*arguments)
    kind = arguments[2]
    singular = np.linalg.svd(matrices, compute_uv=False)[:, :rank]
    weights = np.arange(rank, 0, -1.0)
    bound = (weights * singular if kind == "original" else singular**2).sum(axis=1)
    assert (-objective.value(theta, np.arange(3)) <= bound + 1e-12).all()


@given(problems)
def test_factors_multiply_to_what_c_says_between_u_and_v(arguments):
    _, rank, objective, theta = problem(*arguments)
    kind = arguments[2]
    u, v = objective.vectors(theta)
    c = objective.elements(theta, np.arange(3))
    factors = decompose(Criterion(kind, np.ones(rank)), u, v, c)
    assert (np.diff(factors.singular_values, axis=1) <= 1e-12).all()
    middle = c if kind == "subspace" else c * np.eye(rank)
    np.testing.assert_allclose(
        factors.reconstruct(rank), u @ middle @ v.conj().swapaxes(1, 2), atol=1e-12
    )


@pytest.mark.parametrize("kind", KINDS)
def test_enough_layers_reach_the_singular_values(kind):
    """At n = 1 the ansatz can be any pair of bases, so every objective ends at the optimum."""
    matrices = np.random.default_rng(3).uniform(-1, 1, (4, 2, 2))
    singular = np.linalg.svd(matrices, compute_uv=False)
    criterion = Criterion(kind, np.array([2.0, 1.0]) if kind == "original" else np.ones(1))
    starts = random_angles(4, n_parameters(1, 3), seed=1)
    found = train(matrices, 3, criterion, starts)
    rank = criterion.rank
    np.testing.assert_allclose(found.factors.singular_values, singular[:, :rank], atol=1e-7)


def test_subspace_objective_ends_at_the_leading_singular_values():
    """Its optimum is the sum of the squares of the T largest ones, and C then holds them."""
    matrices = np.random.default_rng(5).uniform(-1, 1, (1, 4, 4)).repeat(5, axis=0)
    criterion = Criterion("subspace", np.ones(2))
    found = train(matrices, 5, criterion, random_angles(5, n_parameters(2, 5), seed=0))
    best = np.argmax(found.value)
    singular = np.linalg.svd(matrices[0], compute_uv=False)[:2]
    assert found.value[best] == pytest.approx((singular**2).sum(), abs=1e-6)
    np.testing.assert_allclose(found.factors.singular_values[best], singular, atol=1e-4)
