"""Shots on top of exact values: the right distribution, and refusals where they make no sense."""

import numpy as np
import pytest
from qiskit.quantum_info import SparseObservable
from scipy.stats import chisquare

from qrec.backends.exact.probabilities import probabilities
from qrec.backends.exact.read.question import Question
from qrec.backends.open import open_backend, parse_backend
from qrec.backends.readings import outcome_values, read, spectrum
from qrec.backends.workload import Workload
from qrec.errors import ConfigError

SHOTS = {"kind": "exact", "shots": 200, "seed_simulator": 3}
N_REPEATS = 500
TWO_VALUED = SparseObservable.from_sparse_list([("ZZ", [0, 2], 1.5)], 3)
MANY_VALUED = SparseObservable.from_sparse_list(
    [("Z", [0], 1.0), ("1", [1], 0.75), ("00", [0, 2], 0.25)], 3
)


def repeated(make_circuit, observable: SparseObservable) -> Workload:
    """Return one row of a random circuit many times."""
    random = make_circuit(5, 3, 14)
    rows = np.repeat(random.rows()[:1], N_REPEATS, axis=0)
    return Workload(random.circuit, observable, rows, "repeated")


@pytest.mark.parametrize("observable", [TWO_VALUED, MANY_VALUED], ids=["two", "many"])
def test_counts_follow_the_outcome_probabilities(observable, make_circuit) -> None:
    workload = repeated(make_circuit, observable)
    backend = open_backend(SHOTS)
    raw = backend._execute(backend.prepare([workload])[0])
    measured = sorted({int(q) for q in observable.indices})
    question = Question(workload.circuit, [observable])
    chances = probabilities(question, measured, workload.parameters[:1])[0]
    values, at_outcome = spectrum([observable])[:, 0], outcome_values([observable])[:, 0]
    expected = np.array([chances[at_outcome == v].sum() for v in values])
    assert raw["counts"].shape == (N_REPEATS, len(values))
    np.testing.assert_array_equal(raw["counts"].sum(1), 200)
    assert chisquare(raw["counts"].sum(0), expected * 200 * N_REPEATS).pvalue > 1e-3
    reading = read(workload, raw)
    assert reading.shots == 200
    assert reading.value.mean() == pytest.approx(expected @ values, abs=5 * reading.stderr[0])
    assert 0.9 < reading.value.std() / reading.stderr.mean() < 1.1


def test_shots_under_noise_scatter_about_the_noisy_value(make_circuit) -> None:
    device = {"snapshot": "fake:FakeManilaV2", "optimization_level": 1, "seed_transpiler": 0}
    workload = repeated(make_circuit, TWO_VALUED)
    sampled = open_backend(SHOTS | device).run([workload])[0]
    noisy = open_backend({"kind": "exact", **device}).run([workload])[0].value[0]
    ideal = open_backend("exact").run([workload])[0].value[0]
    error = sampled.stderr.mean() / np.sqrt(N_REPEATS)
    assert abs(sampled.value.mean() - noisy) < 4 * error
    assert abs(noisy - ideal) > 10 * error


def test_an_observable_that_never_varies_has_one_value(make_circuit) -> None:
    reading = open_backend(SHOTS).run([repeated(make_circuit, SparseObservable("III"))])[0]
    np.testing.assert_allclose(reading.value, 1.0)
    np.testing.assert_allclose(reading.stderr, 0.0)


def test_the_estimate_counts_the_shots(make_circuit) -> None:
    backend = open_backend(SHOTS)
    estimate = backend.estimate(backend.prepare([repeated(make_circuit, TWO_VALUED)]))
    assert estimate.executions == 200 * N_REPEATS


@pytest.mark.parametrize("call", [lambda b: b.estimator(), lambda b: b.expectation(None, None)])
def test_what_needs_exact_values_is_refused(call) -> None:
    with pytest.raises(ConfigError, match=r"has shots: 200.*without shots"):
        call(open_backend(SHOTS))


def test_shots_and_their_seed_go_together() -> None:
    with pytest.raises(ConfigError, match="seed_simulator missing beside shots"):
        parse_backend({"kind": "exact", "shots": 5}, "here")
    with pytest.raises(ConfigError, match="seed_simulator has no meaning without shots"):
        parse_backend({"kind": "exact", "seed_simulator": 5}, "here")
