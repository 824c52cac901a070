"""A `BackendV2` object handed over: tested as any vendor's, right numbers or none."""

import fake_vendors
import numpy as np
import pytest
from qiskit.primitives import StatevectorSampler
from qiskit_aer import AerSimulator
from test_provider import ADMITTED, workload

from qrec.backends import open_backend
from qrec.errors import ConfigError, RejectedError

SETTINGS = {"shots": 400, "optimization_level": 1, "seed_transpiler": 3, "free": True}


@pytest.mark.parametrize("name", ADMITTED)
def test_right_numbers_and_the_route_by_which_they_came(name):
    backend = open_backend(getattr(fake_vendors, name)(), **SETTINGS)
    asked = workload()
    [unit] = backend.prepare([asked])
    payload = backend.collect(backend.send([unit], "u"))
    [raw] = backend.decode(payload, [len(asked)])
    assert raw["route"].tolist() == [ADMITTED[name]] * len(asked)
    [reading], [exact] = backend.run([asked]), open_backend("exact").run([asked])
    assert (np.abs(reading.value - exact.value) < 5 * reading.stderr).all()


@pytest.mark.parametrize("name", ["Reversed", "Zeros"])
def test_wrong_numbers_are_refused_with_what_was_found(name):
    backend = open_backend(getattr(fake_vendors, name)("wrong"), **SETTINGS)
    said = r"backend 'wrong': it fails the self-test(.|\n)*X on qubit 0 of 3: found .*expected 001"
    for use in (lambda: backend.run([workload()]), backend.sampler, backend.estimator):
        with pytest.raises(RejectedError, match=said):
            use()


def test_every_object_is_tested_once():
    first, second = fake_vendors.Honest(), fake_vendors.Honest()
    fake_vendors.RUNS.clear()
    for device, shots in ((first, 7), (first, 8), (second, 9)):
        open_backend(device, **SETTINGS | {"shots": shots}).run([workload(1)])
    assert fake_vendors.RUNS == [100, 7, 8, 100, 9]


def test_nothing_runs_before_shots_are_asked():
    fake_vendors.RUNS.clear()
    backend = open_backend(fake_vendors.Honest(), **SETTINGS, seed_simulator=5)
    backend.prepare([workload()])
    assert backend.snapshot()["device"] == "honest"
    assert fake_vendors.RUNS == []


def test_seed_is_obeyed_or_an_error():
    seeded = SETTINGS | {"seed_simulator": 5}
    one, same = (open_backend(AerSimulator(), **seeded).run([workload()])[0] for _ in range(2))
    other, _ = open_backend(AerSimulator(), **seeded).run([workload(key="other"), workload()])
    np.testing.assert_array_equal(one.value, same.value)
    assert np.any(one.value != other.value)
    with pytest.raises(ConfigError, match=r"seed_simulator is not obeyed .*; leave it out"):
        open_backend(fake_vendors.Deaf(), **seeded).run([workload()])
    assert open_backend(fake_vendors.Deaf(), **SETTINGS).run([workload()])


def test_object_without_a_name():
    assert open_backend(fake_vendors.Honest(None), **SETTINGS).name == "Honest"


def test_sampler_keeps_its_own_seed():
    assert open_backend(StatevectorSampler(), **SETTINGS).run([workload()])
    with pytest.raises(ConfigError, match="seed_simulator"):
        open_backend(StatevectorSampler(), **SETTINGS, seed_simulator=5)
