"""The overlap tests as recommenders: what they must equal, and what the report's misses."""

import numpy as np
import pytest

from qrec.backends.open import open_backend
from qrec.data import load_ratings, split
from qrec.errors import ConfigError
from qrec.recommenders import ALS, MaskedNMF, SwapTest


@pytest.fixture(scope="module")
def parts():
    return split(load_ratings(n_users=80, n_items=100, n_ratings=2500), seed=1)


@pytest.mark.parametrize("n_factors", [2, 3, 4, 6])
@pytest.mark.parametrize("centre", ["none", "bias"])
def test_signed_estimate_is_the_classical_prediction(parts, n_factors: int, centre: str) -> None:
    base = ALS(n_factors=n_factors, centre=centre)
    quantum = SwapTest(base).fit(parts.train).predict(parts.test)
    classical = base.fit(parts.train).predict(parts.test)
    np.testing.assert_allclose(quantum, classical, atol=1e-9)


def test_root_estimate_is_exact_for_factors_without_signs(parts) -> None:
    base = MaskedNMF(n_factors=4, n_epochs=10)
    quantum = SwapTest(base, estimate="root").fit(parts.train).predict(parts.test)
    classical = base.fit(parts.train).predict(parts.test)
    np.testing.assert_allclose(quantum, classical, atol=1e-6)


def test_reports_estimate_is_the_squared_overlap(parts) -> None:
    model = SwapTest(ALS(n_factors=4), estimate="report").fit(parts.train)
    pairs = parts.test.pairs[:50]
    p = model.base_.user_factors_[pairs[:, 0]]
    q = model.base_.item_factors_[pairs[:, 1]]
    lengths = np.linalg.norm(p, axis=1) * np.linalg.norm(q, axis=1)
    known = ~np.isnan(model.predict(pairs))
    squared = np.zeros(len(pairs))
    squared[known] = np.sum(p * q, axis=1)[known] ** 2 / lengths[known]
    np.testing.assert_allclose(
        model.predict(pairs)[known], np.clip(squared, *parts.train.scale)[known], atol=1e-9
    )


def test_shots_scatter_around_the_exact_prediction(parts) -> None:
    model = SwapTest(ALS(n_factors=4, centre="bias")).fit(parts.train)
    pairs = parts.test.pairs[:40]
    workload = model.workloads(pairs)[0]
    exact = open_backend("exact").run([workload])[0]
    shots = open_backend("aer_ideal").run([workload])[0]
    assert np.all(np.abs(shots.value - exact.value) < 5 * shots.stderr)
    assert np.any(shots.value != exact.value)


def test_plan_execute_combine_is_predict(parts) -> None:
    model = SwapTest().fit(parts.train)
    unseen = np.setdiff1d(np.arange(100), parts.train.item)[:1]
    pairs = np.vstack([parts.test.pairs[:20], *([[0, item]] for item in unseen)])
    readings = open_backend("exact").run(model.workloads(pairs))
    np.testing.assert_allclose(model.combine(pairs, readings), model.predict(pairs), atol=1e-12)


def test_backend_can_change_after_fit(parts) -> None:
    model = SwapTest(ALS(n_factors=2)).fit(parts.train)
    exact = model.predict(parts.test)
    sampled = model.set_params(backend="aer_ideal").predict(parts.test)
    assert 0 < np.nanmean(np.abs(sampled - exact)) < 0.3


def test_unknown_estimate_is_refused(parts) -> None:
    with pytest.raises(ConfigError, match="estimate is 'cosine'; expected 'signed'"):
        SwapTest(estimate="cosine").fit(parts.train)


def test_the_root_of_a_value_that_noise_or_shots_made_negative_is_0(parts) -> None:
    model = SwapTest(ALS(n_factors=2), estimate="root").fit(parts.train)
    users, items = parts.test.user[:3], parts.test.item[:3]
    found = model._rating(users, items, np.array([-0.02, 0.0, -1.0]))
    np.testing.assert_array_equal(found, model.base_.offset(users, items))
