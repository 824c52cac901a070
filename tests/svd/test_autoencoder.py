"""The autoencoder's cost and gradient, and the theorem that PCA is its bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from qrec.errors import ConfigError
from qrec.svd.autoencoder import (
    COSTS,
    QuantumAutoencoder,
    TrashCost,
    density,
    kept,
    principal_axes,
    unit_rows,
)


def rows_of(n, seed, count=12):
    """Rows of falling spectrum, one of them zero."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 2**n)) * 0.6 ** np.arange(2**n)
    rows[3] = 0.0
    return rows @ np.linalg.qr(rng.normal(size=(2**n, 2**n)))[0]


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize(("n", "n_latent"), [(2, 1), (3, 1), (4, 2)])
def test_gradient_is_that_of_central_differences(cost, n, n_latent):
    objective = TrashCost(density(rows_of(n, seed=n)), n_latent, 2, cost)
    theta = np.random.default_rng(n).uniform(-np.pi, np.pi, (2, 2 * n))
    places = np.arange(2)
    value, gradient = objective.value_and_gradient(theta, places)
    np.testing.assert_allclose(value, objective.value(theta, places), atol=1e-13)
    for k, move in enumerate(1e-5 * np.eye(2 * n)):
        ahead, behind = (objective.value(theta + m, places) for m in (move, -move))
        np.testing.assert_allclose(gradient[:, k], (ahead - behind) / 2e-5, atol=1e-9)


@given(st.integers(0, 50), st.sampled_from([(2, 1), (3, 1), (3, 2), (4, 2)]))
def test_no_unitary_beats_uncentred_pca_in_the_autoencoders_own_cost(seed, size):
    """Ky Fan: any orthonormal axes, the ansatz's or not, keep at most the leading ones' share."""
    n, n_latent = size
    rho = density(rows_of(n, seed))
    best = np.linalg.eigvalsh(rho)[::-1][: 2**n_latent].sum()
    assert kept(rho, principal_axes(rows_of(n, seed), 2**n_latent)) == pytest.approx(best)
    rng = np.random.default_rng(seed)
    unitary = np.linalg.qr(rng.normal(size=rho.shape) + 1j * rng.normal(size=rho.shape))[0]
    axes = unitary[:, : 2**n_latent]
    assert np.trace(axes.conj().T @ rho @ axes).real <= best + 1e-12
    theta = rng.uniform(-np.pi, np.pi, (1, 3 * n))
    for cost in COSTS:  # the local one too: what it counts is at most what the global one does
        [value] = TrashCost(rho, n_latent, 3, cost).value(theta, np.zeros(1, int))
        bound = (1 - best) / (n - n_latent if cost == "local" else 1)
        assert value >= bound - 1e-12


@pytest.mark.parametrize("cost", COSTS)
def test_enough_layers_come_within_a_hundredth_of_pca(cost):
    rows = rows_of(3, seed=1)
    model = QuantumAutoencoder(1, 8, cost, n_init=4).fit(rows)
    best = np.linalg.eigvalsh(density(rows))[::-1][:2].sum()
    slack = 0.01 if cost == "global" else 0.1  # the local cost is another one
    assert best - slack <= model.fidelity_ <= best + 1e-12
    latent = model.transform(rows)
    assert latent.shape == (12, 2)
    fidelity = (latent**2).sum(axis=1)[unit_rows(rows).any(axis=1)].mean()
    assert fidelity == pytest.approx(model.fidelity_)
    np.testing.assert_array_equal(latent[3], 0)


def test_rows_of_zeros_and_lengths_do_not_count():
    rows = rows_of(2, seed=0)
    some = np.delete(rows, 3, axis=0)
    np.testing.assert_allclose(density(rows), density(7 * some))
    assert np.trace(density(rows)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (np.ones((3, 6)), "rows of 6 float64 entries: expected 2"),
        (np.ones((3, 2)), "rows of 2"),
        (np.ones((3, 4)) * 1j, "complex128"),
        (np.zeros((3, 4)), "all zero"),
        (np.full((3, 4), np.nan), "finite"),
    ],
)
def test_bad_rows_are_refused_with_the_reason(rows, reason):
    with pytest.raises(ConfigError, match=reason):
        QuantumAutoencoder(1).fit(rows)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"n_latent": 2}, "n_latent is 2; expected an integer from 1 to 1"),
        ({"n_layers": 0}, "n_layers is 0"),
        ({"n_init": 0}, "n_init is 0"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"cost": "other"}, "expected one of global, local"),
    ],
)
def test_bad_parameters_are_refused_with_the_reason(params, reason):
    with pytest.raises(ConfigError, match=reason):
        QuantumAutoencoder(**{"n_latent": 1} | params).fit(np.eye(4))


def test_refuses_to_transform_before_fit():
    for ask in (QuantumAutoencoder(1).transform, QuantumAutoencoder(1).expectations):
        with pytest.raises(NotFittedError):
            ask(np.eye(4))
