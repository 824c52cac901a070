"""Compressed rows of ratings as features: what they are, and what is made of them."""

import numpy as np
import pytest

from qrec.errors import ConfigError
from qrec.recommenders import UserItemBias
from qrec.recommenders._latent import Compression
from qrec.recommenders.latent_net import LatentNet
from qrec.recommenders.latent_ridge import LatentRidge, active_rows
from qrec.svd.autoencoder import density, kept

KINDS = ["autoencoder", "measured", "pca", "random", "zero"]


def compression(kind, n_latent=1):
    return Compression(kind, n_latent, n_qubits=4, n_layers=4, n_init=2, seed=0)


def test_rows_hold_what_the_biases_leave_of_the_most_rated(ratings):
    users, items = active_rows(ratings, 4)
    assert (users.shape, items.shape) == ((40, 16), (25, 16))
    residual = np.zeros((40, 25))
    residual[ratings.user, ratings.item] = UserItemBias().fit(ratings).residual(ratings)
    rated = np.argsort(-np.bincount(ratings.item, minlength=25), kind="stable")[:16]
    active = np.argsort(-np.bincount(ratings.user, minlength=40), kind="stable")[:16]
    np.testing.assert_allclose(users, residual[:, rated])
    np.testing.assert_allclose(items, residual[active].T)


def test_few_items_leave_columns_of_zeros(ratings):
    users, items = active_rows(ratings, 6)
    assert (users.shape, items.shape) == ((40, 64), (25, 64))
    assert not users[:, 25:].any()
    assert users[:, :24].any()


@pytest.mark.parametrize("kind", KINDS)
def test_features_have_their_size_and_are_zero_where_nothing_is_known(ratings, kind):
    users, _ = active_rows(ratings, 4)
    for n_latent in (1, 2):
        found = compression(kind, n_latent)(users, "users")
        assert found.shape == (40, 2 * n_latent if kind == "measured" else 2**n_latent)
        np.testing.assert_array_equal(found[-1], 0)
        assert found.any() == (kind != "zero")
        assert np.abs(found).max() <= 1


def test_no_features_keep_more_than_those_of_pca(ratings):
    users, _ = active_rows(ratings, 4)
    shares = {
        kind: (compression(kind)(users, "users")[users.any(axis=1)] ** 2).sum(axis=1).mean()
        for kind in ("pca", "autoencoder", "random")
    }
    best = np.linalg.eigvalsh(density(users))[-2:].sum()
    assert shares["pca"] == pytest.approx(best)
    assert shares["random"] < shares["autoencoder"] <= best + 1e-12
    assert kept(density(users), np.eye(16)) == pytest.approx(1)


def test_constant_ratings_leave_nothing_to_compress(ratings):
    constant = ratings[np.arange(len(ratings))]
    constant.value[:] = 3.0
    model = LatentRidge(encoder_qubits=3, encoder_layers=1).fit(constant)
    np.testing.assert_allclose(model.predict(ratings), 3.0)


def test_ridge_is_the_least_of_its_loss(ratings):
    model = LatentRidge("pca", 1, 4, reg=2.0).fit(ratings)
    x = model._products(ratings.user, ratings.item)
    target = ratings.value - model.bias_.offset(ratings.user, ratings.item)
    slope = x.T @ (x @ model.weights_ - target) + 2.0 * model.weights_
    np.testing.assert_allclose(slope, 0, atol=1e-9)
    u, v = model.user_features_[3], model.item_features_[4]
    residual = model._predict(np.array([3]), np.array([4])) - model.bias_.offset(3, 4)
    assert residual == pytest.approx(u @ model.weights_.reshape(2, 2) @ v)


def test_zero_features_are_the_bias_model(ratings):
    bias = UserItemBias().fit(ratings).predict(ratings)
    np.testing.assert_allclose(LatentRidge("zero").fit(ratings).predict(ratings), bias)


def test_the_net_takes_pi_times_the_features_and_leaves_them(ratings):
    net = LatentNet("pca", 1, 4, n_epochs=2).fit(ratings)
    to_fit = LatentNet("pca", 1, 4, n_epochs=0).fit(ratings)
    np.testing.assert_allclose(net.user_angles_, to_fit.user_angles_)
    assert np.abs(net.user_angles_).max() <= np.pi
    assert net.user_angles_.any()
    assert np.abs(net.theta_ - to_fit.theta_).max() > 0
    assert np.abs(net.user_bias_).max() > 0
    assert net.fitted_circuit().num_qubits == 4


@pytest.mark.parametrize("model", [LatentNet, LatentRidge])
def test_refuses_more_latent_qubits_than_there_are(model, ratings):
    with pytest.raises(ConfigError, match="n_latent is 3; expected at most 2, below"):
        model(n_latent=3, encoder_qubits=3).fit(ratings)
