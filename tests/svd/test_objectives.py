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
        columns = len(matrices[row]) if arguments[2] == "coincidence" else rank
        dense = objective_matrix(matrices[row], arguments[1], u[row], v[row])[:columns, :columns]
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
    if kind == "coincidence":  # a cost, with its sign turned
        bound = np.zeros(3)
    np.testing.assert_allclose(Criterion(kind, weights).highest(singular), bound, atol=1e-12)
    assert (-objective.value(theta, np.arange(3)) <= bound + 1e-12).all()


@given(problems)
def test_factors_multiply_to_what_c_says_between_u_and_v(arguments):
    _, rank, objective, theta = problem(*arguments)
    kind = arguments[2]
    u, v = objective.vectors(theta)
    c = objective.elements(theta, np.arange(3))
    factors = decompose(Criterion(kind, np.ones(rank)), u, v, c)
    assert (np.diff(factors.singular_values, axis=1) <= 1e-12).all()
    middle = c if kind == "subspace" else c * np.eye(c.shape[1])
    if kind == "coincidence":
        largest = np.sort(np.abs(np.diagonal(middle, axis1=1, axis2=2)), axis=1)[:, ::-1][:, :rank]
        np.testing.assert_allclose(factors.singular_values, largest, atol=1e-12)
        middle = middle * (np.abs(middle) >= largest[:, -1:, None] - 1e-12)
    np.testing.assert_allclose(
        factors.reconstruct(rank), u @ middle @ v.conj().swapaxes(1, 2), atol=1e-12
    )


def dense_cost(matrix, n_layers, theta):
    """|M|_F^2 times the mean number of unequal bits, from Kronecker products and strings."""
    n = len(matrix).bit_length() - 1
    c = objective_matrix(matrix, n_layers, *np.split(theta, 2))
    pairs = np.ndindex(c.shape)
    unequal = [
        sum(a != b for a, b in zip(f"{j:0{n}b}", f"{k:0{n}b}", strict=True)) for j, k in pairs
    ]
    return float((np.reshape(unequal, c.shape) * np.abs(c) ** 2).sum())


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("is_complex", [False, True])
def test_coincidence_cost_and_gradient_are_those_of_dense_algebra(n, is_complex):
    matrices, _, objective, theta = problem(n, 2, "coincidence", is_complex, seed=n)
    matrices[0, :, 0] = 0.0  # an exactly singular matrix, with exact zeros in it
    value, gradient = objective.value_and_gradient(theta, np.arange(len(theta)))
    for row, matrix in enumerate(matrices):
        assert value[row] == pytest.approx(dense_cost(matrix, 2, theta[row]), abs=1e-12)
        for k, move in enumerate(1e-5 * np.eye(theta.shape[1])):
            ahead, behind = (dense_cost(matrix, 2, theta[row] + m) for m in (move, -move))
            assert gradient[row, k] == pytest.approx((ahead - behind) / 2e-5, abs=1e-8)


def test_coincidence_is_one_of_bits_that_agree_where_the_matrix_is_diagonal():
    """In any order of the values; the anti-diagonal, where all bits differ, is the other end."""
    criterion = Criterion.of_rank("coincidence", 2)
    diagonal = np.diag([1.0, 3.0, 0.0, 2.0]).astype(complex)
    singular = np.array([3.0, 2.0, 1.0, 0.0])
    for c, share in ((diagonal, 1.0), (diagonal[::-1], 0.0)):
        found = criterion.share(criterion.value(c[None])[0], singular)
        assert found == pytest.approx(share, abs=1e-12)


def test_three_layers_bring_two_qubits_to_their_schmidt_form():
    """arXiv:1905.01353: all singular values at once, for 3 of 3 random matrices."""
    matrices = np.random.default_rng(11).uniform(-1, 1, (3, 4, 4))
    criterion = Criterion.of_rank("coincidence", 4)
    starts = np.tile(random_angles(5, n_parameters(2, 3), seed=2), (3, 1))
    found = train(matrices.repeat(5, axis=0), 3, criterion, starts)
    best = np.arange(3) * 5 + found.value.reshape(3, 5).argmax(axis=1)
    singular = np.linalg.svd(matrices, compute_uv=False)
    np.testing.assert_allclose(found.factors.singular_values[best], singular, atol=1e-4)
    np.testing.assert_allclose(found.factors.reconstruct(4)[best], matrices, atol=1e-3)


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
