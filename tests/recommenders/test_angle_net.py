"""The angle net: gradients, the qiskit-machine-learning twin, and what training reaches."""

import numpy as np
import pytest
import torch
from qiskit_machine_learning.connectors import TorchConnector

from qrec.backends import open_backend
from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.read.question import Question
from qrec.backends.workload import Workload
from qrec.circuits.angle_net import angle_net
from qrec.data import Split, load_ratings, split
from qrec.errors import ConfigError
from qrec.recommenders import AngleNet, GlobalMean


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(load_ratings(n_users=150, n_items=200, n_ratings=8000), seed=1)


@pytest.fixture(scope="module")
def small(parts: Split) -> AngleNet:
    return AngleNet(n_factors=2, n_layers=2, n_epochs=2, random_state=3).fit(parts.train)


def test_qnn_gives_the_same_values_and_gradients(parts: Split, small: AngleNet) -> None:
    users, items = parts.test.user[:5], parts.test.item[:5]
    angles = np.hstack([small.user_angles_[users], small.item_angles_[items]])
    inputs = torch.tensor(angles, requires_grad=True)
    net = TorchConnector(small.to_qnn(), initial_weights=small.theta_)
    value = net(inputs)[:, 0]
    value.sum().backward()

    circuit = angle_net(2, 2, "chain")
    ours = {
        "u": torch.tensor(angles[:, :2], requires_grad=True),
        "v": torch.tensor(angles[:, 2:], requires_grad=True),
        "theta": torch.tensor(small.theta_, requires_grad=True),
    }
    expected = Expectation(Question(circuit, [small.readout()]))(ours)
    expected.sum().backward()
    np.testing.assert_allclose(value.detach(), expected.detach(), atol=1e-6)
    np.testing.assert_allclose(net.weight.grad, ours["theta"].grad, atol=1e-6)
    ours_inputs = torch.cat([ours["u"].grad, ours["v"].grad], dim=1)
    np.testing.assert_allclose(inputs.grad, ours_inputs, atol=1e-6)


def test_qnn_runs_on_a_backend_with_shots(parts: Split, small: AngleNet) -> None:
    pairs = parts.test.pairs[:4]
    exact = small.to_qnn()
    angles = np.hstack([small.user_angles_[pairs[:, 0]], small.item_angles_[pairs[:, 1]]])
    sampled = AngleNet(**small.get_params() | {"backend": "aer_ideal"})
    qnn = sampled.fit(parts.train).to_qnn()
    np.testing.assert_allclose(
        qnn.forward(angles, small.theta_), exact.forward(angles, small.theta_), atol=0.2
    )


def test_predictions_are_offset_and_gain_times_the_reading(parts: Split, small: AngleNet) -> None:
    pairs = parts.test.pairs[:30]
    value = small.to_qnn().forward(
        np.hstack([small.user_angles_[pairs[:, 0]], small.item_angles_[pairs[:, 1]]]), small.theta_
    )[:, 0]
    rating = small.mean_ + small.user_bias_[pairs[:, 0]] + small.item_bias_[pairs[:, 1]]
    expected = np.clip(rating + small.gain_ * value, 1, 5)
    predicted = small.predict(pairs)
    known = ~np.isnan(predicted)
    np.testing.assert_allclose(predicted[known], expected[known], atol=1e-6)


def test_training_lowers_the_validation_error(parts: Split) -> None:
    net = AngleNet(n_factors=2, n_layers=2, n_epochs=4).fit(
        parts.train, validation=parts.validation
    )
    assert net.history_.min() < net.history_[0] - 0.05
    kept = -net.score(parts.validation)
    assert kept == pytest.approx(net.history_.min(), abs=1e-3)


def test_reports_features_end_at_the_mean(parts: Split) -> None:
    net = AngleNet(n_factors=2, n_layers=2, features="report", n_epochs=6)
    net.fit(parts.train, validation=parts.validation)
    mean = GlobalMean().fit(parts.train)
    assert -net.score(parts.test) == pytest.approx(-mean.score(parts.test), rel=0.03)
    assert np.nanstd(net.predict(parts.test)) < 0.3 * parts.test.value.std()


def test_bound_circuit_has_only_the_datas_parameters(small: AngleNet) -> None:
    assert {p.vector.name for p in small.fitted_circuit().parameters} == {"u", "v"}


def test_gradient_under_noise_is_the_slope_of_what_the_backend_reads(small: AngleNet) -> None:
    """Finite differences of readings, in theta and in an item's angle."""
    backend = open_backend("exact_noisy")
    net = AngleNet(**small.get_params() | {"training_backend": backend})
    u, v = small.user_angles_[:4], small.item_angles_[:4]
    names, values = ("theta", "u", "v"), (small.theta_, u, v)
    tensors = {n: torch.tensor(x, requires_grad=True) for n, x in zip(names, values, strict=True)}
    net._expectation()(tensors)[0].backward()

    def read(theta: np.ndarray, v: np.ndarray) -> float:
        rows = np.hstack([np.tile(theta, (4, 1)), u, v])
        workload = Workload(net._untrained(), net.readout(), rows, "w")
        return float(backend.run([workload])[0].value[0])

    step = 1e-4
    for i in (0, 2, 7):
        moved = step * np.eye(len(small.theta_))[i]
        slope = (read(small.theta_ + moved, v) - read(small.theta_ - moved, v)) / (2 * step)
        assert tensors["theta"].grad[i] == pytest.approx(slope, abs=1e-6)
    moved = np.zeros_like(v)
    moved[0, 1] = step
    slope = (read(small.theta_, v + moved) - read(small.theta_, v - moved)) / (2 * step)
    assert tensors["v"].grad[0, 1] == pytest.approx(slope, abs=1e-6)
    assert abs(slope) > 1e-3


def test_training_under_noise_stops_on_what_the_device_predicts(parts: Split) -> None:
    params = {"n_factors": 2, "n_epochs": 3, "training_backend": "exact_noisy"}
    first, second = (
        AngleNet(**params, backend=where).fit(parts.train, validation=parts.validation)
        for where in ("exact_noisy", "exact")
    )
    assert np.array_equal(first.theta_, second.theta_)
    assert np.array_equal(first.history_, second.history_)
    on_device, without_noise = (-net.score(parts.validation) for net in (first, second))
    # Not equal: with theta bound the transpiler finds a slightly shorter circuit.
    assert first.history_.min() == pytest.approx(on_device, abs=1e-3)
    assert abs(first.history_.min() - without_noise) > 2e-3


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"training_backend": "aer_ideal"}, "training_backend.*'aer_ideal'.*kind exact"),
    ],
)
def test_training_without_gradients_is_refused(parts: Split, params: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        AngleNet(**params).fit(parts.train)
