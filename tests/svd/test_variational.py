"""The estimator against numpy's decomposition, and what it says to bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from qrec.errors import ConfigError
from qrec.svd import VariationalSVD
from qrec.svd.objectives import KINDS

MATRIX = np.random.default_rng(7).uniform(-1, 1, (4, 4))


def small(**params):
    return VariationalSVD(**{"rank": 1, "n_layers": 2, "n_init": 2} | params)


shapes = st.tuples(st.integers(1, 6), st.integers(1, 6))
entries = st.floats(-1e6, 1e6).map(lambda x: x if abs(x) > 1e-6 else 0.0)


@settings(max_examples=25)
@given(hnp.arrays(float, shapes, elements=entries), st.sampled_from(KINDS))
def test_never_better_than_eckart_and_young(matrix, kind):
    model = small(objective=kind, n_init=1, max_iter=20).fit(matrix)
    rank_one = model.reconstruct()
    assert rank_one.shape == matrix.shape
    singular = np.linalg.svd(matrix, compute_uv=False)
    size = np.linalg.norm(matrix)
    assert np.linalg.norm(matrix - rank_one) ** 2 >= (singular[1:] ** 2).sum() - 1e-9 * size**2
    assert 0 <= model.singular_values_[0] <= singular[0] + 1e-9 * size


@pytest.mark.parametrize("kind", KINDS)
def test_finds_numpys_decomposition(kind):
    model = small(rank=1, n_layers=4, objective=kind, n_init=6).fit(MATRIX)
    u, s, vh = np.linalg.svd(MATRIX)
    assert model.singular_values_[0] == pytest.approx(s[0], abs=1e-5)
    np.testing.assert_allclose(model.reconstruct(), s[0] * np.outer(u[:, 0], vh[0]), atol=1e-3)
    assert np.linalg.norm(model.left_) == pytest.approx(1)


def test_takes_complex_matrices():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))
    model = small(rank=2, n_layers=4, objective="subspace").fit(matrix)
    np.testing.assert_allclose(model.reconstruct(), matrix, atol=1e-6)
    s = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(model.singular_values_, s, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_values_scale_with_the_matrix_and_vectors_do_not(kind):
    small_one = small(rank=2, objective=kind).fit(MATRIX)
    large_one = small(rank=2, objective=kind).fit(1024.0 * MATRIX)
    np.testing.assert_allclose(large_one.singular_values_, 1024 * small_one.singular_values_)
    np.testing.assert_allclose(large_one.left_, small_one.left_)
    power = 1 if kind == "original" else 2
    assert large_one.objective_ == pytest.approx(1024**power * small_one.objective_)


def test_rectangles_are_padded_and_cropped():
    matrix = np.random.default_rng(3).uniform(0, 1, (3, 5))
    model = small(rank=2, n_layers=6, objective="subspace", n_init=4).fit(matrix)
    assert model.left_.shape == (3, 2)
    assert model.right_.shape == (5, 2)
    s = np.linalg.svd(matrix, compute_uv=False)
    error = np.linalg.norm(matrix - model.reconstruct())
    assert error == pytest.approx(np.linalg.norm(s[2:]), rel=0.02)
    assert np.abs(model.reconstruct(1) - model.reconstruct(2)).max() > 0.01
    assert np.abs(model.reconstruct(0)).max() == 0


def test_history_ends_at_the_objective_and_rises():
    model = small(rank=2, n_init=3).fit(MATRIX)
    assert len(model.history_) == 3
    assert max(values[-1] for values in model.history_) == pytest.approx(model.objective_)
    assert all((np.diff(values) > 0).all() for values in model.history_)


def test_objective_is_the_sum_over_the_published_terms():
    weighted = small(rank=2, objective="original", weights=[3.0, 1.0]).fit(MATRIX)
    plain = small(rank=2, objective="original").fit(MATRIX)
    # Both reach a maximum, where every weighted term is real and positive.
    for model, weights in ((weighted, [3, 1]), (plain, [2, 1])):
        assert model.objective_ == pytest.approx(
            max(np.dot(weights, s) for s in (model.singular_values_, model.singular_values_[::-1])),
            rel=1e-4,
        )


def test_more_starts_are_never_worse_and_the_first_stay():
    few, many = small(n_init=2).fit(MATRIX), small(n_init=4).fit(MATRIX)
    assert many.objective_ >= few.objective_ - 1e-9
    np.testing.assert_allclose(many.history_[1][0], few.history_[1][0])


def test_same_seed_same_numbers_and_a_matrix_of_zeros_is_no_problem():
    first, second = small().fit(MATRIX), clone(small()).fit(MATRIX)
    np.testing.assert_array_equal(first.left_, second.left_)
    assert small().fit(np.zeros((3, 2))).singular_values_[0] == 0


@pytest.mark.parametrize("optimizer", ["adam", "spsa"])
def test_runs_on_shots(optimizer):
    matrix = MATRIX[:2, :2]
    model = small(
        optimizer=optimizer, backend="aer_ideal", max_iter=30, form="direct", n_init=1
    ).fit(matrix)
    s = np.linalg.svd(matrix, compute_uv=False)[0]
    assert model.singular_values_[0] == pytest.approx(s, abs=0.35)
    assert model.n_circuits_["readout"] == 2


def test_coincidence_by_circuits_is_that_by_linear_algebra():
    """Training included, under shots."""
    params = {"rank": 2, "objective": "coincidence", "optimizer": "adam", "max_iter": 100}
    shots = {"kind": "exact", "shots": 100_000, "seed_simulator": 3}
    matrix = np.array([[2.0, -0.5], [0.3, 1.0]])
    measured = small(**params, backend=shots).fit(matrix)
    assert small(**params).fit(matrix).objective_ > -2e-3
    s = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(measured.singular_values_, s, atol=0.03)
    np.testing.assert_allclose(measured.reconstruct(), matrix, atol=0.1)  # signs and phases too
    assert np.linalg.norm(measured.singular_values_) == pytest.approx(np.linalg.norm(matrix))
    assert measured.n_circuits_["readout"] == 1
    # Where training ended early, all shots know how much is missing.
    params |= {"max_iter": 3, "backend": shots}
    some, every = (
        np.linalg.norm(small(**params, coincident_only=only).fit(matrix).singular_values_)
        for only in (True, False)
    )
    assert some == pytest.approx(np.linalg.norm(matrix))
    assert every < 0.99 * some


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        ([[1.0, np.nan], [0.0, 1.0]], r"entry \(0, 1\) is nan: expected finite"),
        ([[1.0, 2.0], [np.inf, 1.0]], r"entry \(1, 0\) is inf"),
        (np.zeros((0, 3)), r"shape \(0, 3\)"),
        (np.zeros(4), r"shape \(4,\): expected two dimensions"),
        ([["a", "b"], ["c", "d"]], "expected a dense array of numbers"),
        ([[1.0, None]], "expected a dense array of numbers"),
        ([[1.0, 2.0], [3.0]], "rows of equal length"),
        (None, "expected a dense array of numbers"),
    ],
)
def test_bad_matrices_are_refused_with_the_reason(matrix, reason):
    with pytest.raises(ConfigError, match=reason):
        small().fit(matrix)


@given(
    hnp.arrays(float, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)),
    st.sampled_from([np.nan, np.inf, -np.inf]),
    st.data(),
)
def test_any_entry_that_is_not_finite_is_found(matrix, bad, data):
    matrix = np.nan_to_num(matrix, nan=0.0, posinf=0.0, neginf=0.0)
    row, column = (data.draw(st.integers(0, side - 1)) for side in matrix.shape)
    matrix[row, column] = bad
    with pytest.raises(ConfigError, match=rf"entry \({row}, {column}\)"):
        small().fit(matrix)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"rank": 5}, "rank is 5; expected an integer from 1 to 4"),
        ({"rank": 1.5}, "rank is 1.5"),
        ({"n_layers": 0}, "n_layers is 0"),
        ({"n_init": True}, "n_init is True"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"random_state": -1}, "random_state is -1; expected an integer at least 0"),
        ({"objective": "best"}, "expected one of original, modified, subspace, coincidence"),
        ({"optimizer": "newton"}, "expected one of bfgs, adam, spsa"),
        ({"form": "cheap"}, "expected one of published, bell, direct"),
        ({"coincident_only": "yes"}, "expected one of True, False"),
        ({"weights": [1.0]}, "weights belong to the objective 'original'"),
        ({"objective": "original", "weights": [1.0, 2.0]}, "expected 1 positive numbers"),
        ({"backend": "no_such"}, "unknown backend"),
    ],
)
def test_bad_parameters_are_refused_with_the_reason(params, reason):
    with pytest.raises(ConfigError, match=reason):
        small(**params).fit(MATRIX)


def test_complex_matrices_are_refused_where_circuits_run():
    with pytest.raises(ConfigError, match="complex entries"):
        small(backend="aer_ideal").fit(MATRIX * 1j)


def test_reconstruct_refuses_what_was_not_fitted():
    with pytest.raises(NotFittedError):
        small().reconstruct()
    with pytest.raises(ConfigError, match="rank is 2; expected an integer from 0 to 1"):
        small().fit(MATRIX).reconstruct(2)


def test_a_mask_is_refused_and_one_that_hides_nothing_is_not():
    masked = np.ma.masked_greater(np.array([[5.0, 999.0], [1.0, 2.0]]), 100)
    with pytest.raises(ConfigError, match="matrix has 1 masked entries; expected none"):
        small().fit(masked)
    np.testing.assert_array_equal(
        small().fit(np.ma.array(MATRIX)).singular_values_, small().fit(MATRIX).singular_values_
    )


@pytest.mark.parametrize("factor", [1e-300, 1e154, 1e200, 1e300])
@pytest.mark.parametrize("kind", KINDS)
def test_entries_of_any_magnitude(kind, factor):
    ours = small(objective=kind).fit(MATRIX * factor)
    np.testing.assert_allclose(
        ours.singular_values_ / factor, small(objective=kind).fit(MATRIX).singular_values_
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(3, 5), (4, 3), (4, 4)])
def test_vectors_of_a_singular_value_of_zero_are_orthonormal(kind, shape):
    matrix = np.outer(np.arange(1.0, shape[0] + 1), np.linspace(-1, 2, shape[1]))
    model = VariationalSVD(rank=3, n_layers=6, objective=kind, n_init=4).fit(matrix)
    for vectors in (model.left_, model.right_):
        np.testing.assert_allclose(vectors.conj().T @ vectors, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(model.reconstruct(), matrix, atol=1e-4)
