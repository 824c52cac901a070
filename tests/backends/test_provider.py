"""Vendors' backends in this process: admitted after a self-test, or refused with reasons."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparseObservable

from qrec.backends import open_backend
from qrec.backends.vendor.device import COUNTS, MEMORY, ROUTES
from qrec.backends.vendor.opening import open_vendor
from qrec.backends.vendor.self_test import Transpiling, admitted
from qrec.backends.workload import Workload
from qrec.errors import ConfigError, MissingError, RejectedError

SETTINGS = {
    "kind": "provider", "free": True, "shots": 400, "optimization_level": 1, "seed_transpiler": 3,
}  # fmt: skip


def vendor(path, **fields):
    path = path if ":" in path else f"fake_vendors:{path}"
    return open_backend({**SETTINGS, "name": "vendor", "backend": path, **fields})


def workload(n_rows=4, key="rows"):
    """Rows that differ, qubits that differ, one qubit of three that is not read."""
    t = Parameter("t")
    circuit = QuantumCircuit(3)
    circuit.ry(t, 0)
    circuit.cx(0, 1)
    circuit.x(2)
    observable = SparseObservable.from_sparse_list([("Z", [0], 1.0), ("Z", [2], 2.0)], 3)
    return Workload(circuit, observable, np.linspace(0.3, 2.8, n_rows)[:, None], key)


ADMITTED = {
    "Honest": MEMORY,
    "honest": MEMORY,
    "NoMemory": COUNTS,
    "NoSpaces": COUNTS,
    "SwappedInMemory": COUNTS,
    "NoOptions": COUNTS,
    "OneAtATime": COUNTS,
}


@pytest.mark.parametrize("name", ADMITTED)
def test_right_numbers_by_the_route_that_gives_them(name):
    asked = workload()
    [reading] = vendor(name).run([asked])
    [exact] = open_backend("exact").run([asked])
    assert (np.abs(reading.value - exact.value) < 5 * reading.stderr).all()
    assert reading.shots == 400
    assert (
        admitted(open_vendor(f"fake_vendors:{name}", {}), ROUTES, Transpiling(1, 3))
        == ADMITTED[name]
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Reversed", "X on qubit 0 of 3: found 100 100 times; expected 001"),
        ("Swapped", "registers of 1 and 2 bits: found 11 0 100 times; expected 10 1"),
        ("Zeros", "Bell pair: found 00 100 times; expected 00 or 11"),
        ("Uniform", "Bell pair: found "),
        ("Uncorrelated", "Bell pair: found "),
        ("Loses", "99 shots came; 100 were asked"),
        ("Shuffled", "expected 2 digits 0 and 1"),
    ],
)
def test_wrong_numbers_are_refused_with_what_was_found(name, said):
    with pytest.raises(RejectedError, match="fails the self-test") as caught:
        vendor(name).run([workload()])
    assert said in str(caught.value)
    assert MEMORY in str(caught.value)
    assert COUNTS in str(caught.value)


@pytest.mark.parametrize(
    ("path", "arguments", "error", "said"),
    [
        ("no_such_vendor:Backend", {}, MissingError, "under the name that its documentation gives"),
        ("qiskit.no_such:Backend", {}, ConfigError, "no module 'qiskit.no_such'"),
        ("fake_vendors:Honets", {}, ConfigError, "did you mean 'Honest'"),
        ("fake_vendors:ANSWER", {}, ConfigError, "is a int; expected a class or a function"),
        ("fake_vendors:Broken", {}, ConfigError, "made a Broken; expected a BackendV2"),
        ("fake_vendors:needs_a_key", {}, ConfigError, "no credentials found"),
        ("fake_vendors:Honest", {"nonsense": 1}, ConfigError, "nonsense"),
    ],
)
def test_import_path_that_leads_nowhere(path, arguments, error, said):
    with pytest.raises(error) as caught:
        vendor(path, arguments=arguments).snapshot()
    assert said in str(caught.value)


def test_vendor_that_does_not_import_is_told_of_its_own_environment(tmp_path, monkeypatch):
    (tmp_path / "other_pins.py").write_text("raise ImportError('cannot import name X')")
    (tmp_path / "half_there.py").write_text("import missing_dependency")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingError, match=r"cannot import name X.*python: PATH"):
        vendor("other_pins:Backend").snapshot()
    with pytest.raises(MissingError, match="missing_dependency"):
        vendor("half_there:Backend").snapshot()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"backend": "fake_vendors.Honest"}, "backend"),
        ({"arguments": {"api_token": "x"}}, "credential"),
        ({"free": None}, "free"),
    ],
)
def test_entry_that_cannot_be_right(fields, said):
    with pytest.raises(ConfigError, match=said):
        vendor("Honest", **fields)


def test_seed_that_is_obeyed():
    backend = vendor("Honest", seed_simulator=5)
    one, other = (backend.run([workload(key=key)])[0].value for key in ("a", "b"))
    np.testing.assert_array_equal(backend.run([workload(key="a")])[0].value, one)
    assert np.any(one != other)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Deaf", "the same seed twice gave different shots"),
        ("Stubborn", "two seeds gave the same shots"),
        ("NoOptions", "unexpected keyword argument 'seed_simulator'"),
    ],
)
def test_seed_that_cannot_be_honoured_is_an_error(name, said):
    assert vendor(name).run([workload()])
    with pytest.raises(ConfigError, match=said):
        vendor(name, seed_simulator=5).run([workload()])


def test_what_a_vendor_raises_is_one_line():
    with pytest.raises(RejectedError) as caught:
        vendor("Honest", shots=5001).run([workload()])
    assert str(caught.value) == "backend 'vendor': ValueError: at most 5000 shots, not 5001"


def test_hands_out_qiskits_own_primitives():
    backend = vendor("NoSpaces")
    t = Parameter("t")
    circuit = QuantumCircuit(
        QuantumRegister(2), ClassicalRegister(1, "a"), ClassicalRegister(2, "b")
    )
    circuit.rx(t, 1)
    circuit.measure([0, 1, 1], [0, 1, 2])
    isa = backend.pass_manager().run(circuit)
    result = backend.sampler().run([(isa, np.array([[[0.0], [np.pi]]]), 30)]).result()[0]
    assert result.data.shape == (1, 2)
    assert result.data.b[0, 0].get_counts() == {"00": 30}
    assert result.data.b[0, 1].get_counts() == {"11": 30}
    assert result.data.a.get_counts() == {"0": 60}
    estimated = backend.estimator().run([(QuantumCircuit(1), "Z")]).result()[0]
    assert estimated.data.evs == 1
    assert backend.target is not None


def test_estimator_is_not_handed_out_untested():
    assert vendor("ZeroCounts").sampler() is not None
    with pytest.raises(RejectedError, match="fails the self-test"):
        vendor("ZeroCounts").estimator()


def test_reading_stored_results_needs_no_vendor():
    backend = vendor("Honest")
    [unit] = backend.prepare([workload()])
    payload = backend.collect(backend.send([unit], "u"))
    [stored] = vendor("no_such_vendor:Backend").decode(payload, [4])
    assert stored["bits"].shape == (4, 400, 1)
