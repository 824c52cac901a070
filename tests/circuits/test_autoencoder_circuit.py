"""The autoencoder's circuit against dense algebra."""

import numpy as np
import pytest
from dense_algebra import ansatz_matrix
from qiskit.quantum_info import SparsePauliOp, Statevector

from qrec.circuits.autoencoder import autoencoder
from qrec.circuits.encodings import vectors_to_angles
from qrec.errors import ConfigError
from qrec.svd.autoencoder import QuantumAutoencoder, TrashCost, density

SIZES = [(2, 1, 1), (3, 1, 2), (3, 2, 3), (4, 2, 2)]


def inputs(n):
    rows = np.random.default_rng(n).normal(size=(3, 2**n))
    rows[:, 1] = 0.0  # amplitudes that are exactly zero
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def encoder(n, n_layers, theta):
    """E^T: the layered ansatz with RZ angles of zero."""
    angles = np.zeros((n_layers, 2, n))
    angles[:, 1] = theta.reshape(n_layers, n)
    return ansatz_matrix(n, n_layers, angles.ravel())


def states(n, n_latent, n_layers, theta, rows):
    circuit = autoencoder(n, n_latent, n_layers)
    for x in vectors_to_angles(rows):
        values = {"x": x, "theta": theta}
        yield Statevector(
            circuit.assign_parameters([values[p.vector.name][p.index] for p in circuit.parameters])
        )


@pytest.mark.parametrize(("n", "n_latent", "n_layers"), SIZES)
def test_encodes_by_the_inverse_of_the_ansatz(n, n_latent, n_layers):
    theta = np.random.default_rng(7).uniform(-np.pi, np.pi, n * n_layers)
    rows = inputs(n)
    expected = rows @ encoder(n, n_layers, theta)
    for state, row in zip(states(n, n_latent, n_layers, theta, rows), expected, strict=True):
        np.testing.assert_allclose(state.data, row, atol=1e-12)


@pytest.mark.parametrize(("n", "n_latent", "n_layers"), SIZES)
def test_costs_are_what_is_read_of_the_trash(n, n_latent, n_layers):
    theta = np.random.default_rng(8).uniform(-np.pi, np.pi, n * n_layers)
    rows, trash = inputs(n), range(n_latent, n)
    found = list(states(n, n_latent, n_layers, theta, rows))
    zero = np.mean([state.probabilities(list(trash))[0] for state in found])
    z = [[state.expectation_value(SparsePauliOp("Z"), [q]).real for q in trash] for state in found]
    rho = density(rows)
    for cost, expected in (("global", 1 - zero), ("local", np.mean((1 - np.array(z)) / 2))):
        [value] = TrashCost(rho, n_latent, n_layers, cost).value(theta[None], np.zeros(1, int))
        assert value == pytest.approx(expected, abs=1e-12)


def test_a_device_reads_the_latent_qubits_as_said():
    rows = inputs(4)
    model = QuantumAutoencoder(2, 2, n_init=1, max_iter=3).fit(rows)
    found = model.expectations(rows)
    for state, row in zip(states(4, 2, 2, model.theta_, rows), found, strict=True):
        read = [
            state.expectation_value(SparsePauliOp(label), [q]).real
            for label in "ZX"
            for q in (0, 1)
        ]
        np.testing.assert_allclose(row, read, atol=1e-12)


@pytest.mark.parametrize(("n", "n_latent", "n_layers"), [(2, 2, 1), (3, 0, 1), (3, 1, 0)])
def test_refuses_what_leaves_no_qubit_or_no_layer(n, n_latent, n_layers):
    with pytest.raises(ConfigError, match="at least one latent qubit"):
        autoencoder(n, n_latent, n_layers)
