"""Vendors' backends in this process: admitted after a self-test, or refused with reasons."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from fake_vendors import RUNS, Honest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.converters import dag_to_circuit
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import AnalysisPass, PassManager

from qrec.backends import open_backend
from qrec.backends.base import Permit
from qrec.backends.kinds.provider import _opened
from qrec.backends.open import backend_spec, check_recorded
from qrec.backends.readings import read
from qrec.backends.vendor import device
from qrec.backends.vendor.device import COUNTS, MEMORY, ROUTES
from qrec.backends.vendor.opening import PACKAGES, open_vendor
from qrec.backends.vendor.self_test import Transpiling, admitted
from qrec.backends.workload import Workload
from qrec.errors import ConfigError, MissingError, PaidError, RejectedError

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


@pytest.mark.parametrize(
    ("then", "device"),
    [
        ({"get_backend": "honest"}, "honest"),
        ({"get_backend": ["honest"]}, "honest"),
        ({"get_backend": {"name": "honest", "suffix": "_2"}}, "honest_2"),
        ({"cloud": None, "ideal": None}, "ideal"),
        ({"cloud": None, "ideal": []}, "ideal"),
    ],
)
@pytest.mark.parametrize("python", [None, sys.executable])
def test_methods_lead_from_a_provider_to_its_backend(then, device, python, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    backend = vendor("Provider", then=then, python=python)
    assert backend.snapshot()["device"] == device


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ({}, "made a Provider; expected a BackendV2; it has a method get_backend: say then:"),
        ({"get_backend": "nought"}, "then get_backend called with nought: ValueError: no backend"),
        ({"get_backends": "honest"}, "has no 'get_backends'.*did you mean 'get_backend'"),
        ({"_inner": None}, "then"),
        ({"__class__": None}, "then"),
        ({"cloud.ideal": None}, "then"),
        ({"get_backend": {"name": "honest", "apiKey": "hunter2"}}, "'apiKey' looks like a cred"),
        ({"log_in": [{"auth": "hunter2"}]}, "'auth' looks like a credential"),
        ({"get_backend": "https://me:hunter2@vendor.example"}, "a URL with a password"),
    ],
)
def test_methods_that_lead_nowhere(then, said):
    with pytest.raises(ConfigError, match=said) as caught:
        vendor("Provider", then=then).snapshot()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["key", "my_pat", "jwt", "authorization", "Password"])
def test_credential_is_refused_by_its_name(name):
    with pytest.raises(ConfigError, match=f"'{name}' looks like a credential") as caught:
        vendor("Honest", arguments={"options": [{name: "hunter2"}]})
    assert "hunter2" not in str(caught.value)


def test_harmless_names_are_let_through():
    harmless = {"author": "me", "monkey": 1, "pattern": "x", "url": "https://vendor.example/a@b"}
    assert vendor("Honest", arguments=harmless).spec.arguments == harmless


def test_stored_settings_that_call_another_method_are_not_opened(tmp_path):
    entry = SETTINGS | {"backend": "fake_vendors:Provider", "then": {"get_backend": "honest"}}
    file = tmp_path / "backends.yaml"
    file.write_text(yaml.safe_dump({"schema_version": 1, "backends": {"v": entry}}))
    recorded = backend_spec("v", file).model_dump(mode="json")
    check_recorded(recorded, "run", file)
    for change in ({"then": {"ideal": None}}, {"max_executions": 10**9}):
        with pytest.raises(ConfigError, match=next(iter(change))):
            check_recorded(recorded | change, "run", file)


@pytest.mark.parametrize("python", [None, sys.executable])
def test_module_beside_the_file_that_names_it(python, tmp_path):
    entry = SETTINGS | {"backend": "beside_the_yaml:Mine", "python": python}
    file = tmp_path / "backends.yaml"
    file.write_text(yaml.safe_dump({"schema_version": 1, "backends": {"mine": entry}}))
    with pytest.raises(MissingError, match=r"put beside_the_yaml\.py beside the file") as caught:
        open_backend("mine", file=file).snapshot()
    assert "pip" not in str(caught.value)
    (tmp_path / "its_helper.py").write_text("NAME = 'mine'")
    (tmp_path / "beside_the_yaml.py").write_text(
        "from its_helper import NAME\n"
        "from qiskit.providers.basic_provider import BasicSimulator\n"
        "class Mine(BasicSimulator):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.name = NAME\n"
    )
    backend = open_backend("mine", file=file)
    sys.modules.pop("beside_the_yaml", None)
    assert backend.snapshot()["device"] == "mine"
    assert str(tmp_path) not in json.dumps(backend.snapshot())
    sys.modules.pop("beside_the_yaml", None)


def test_module_of_another_user_is_not_run(tmp_path, monkeypatch):
    (tmp_path / "beside_the_yaml.py").write_text("raise SystemExit")
    file = tmp_path / "backends.yaml"
    entry = SETTINGS | {"backend": "beside_the_yaml:Mine"}
    file.write_text(yaml.safe_dump({"schema_version": 1, "backends": {"mine": entry}}))
    monkeypatch.setattr("os.getuid", lambda: -1)
    with pytest.raises(ConfigError, match="belongs to another user"):
        open_backend("mine", file=file)


def test_only_known_packages_are_advised():
    with pytest.raises(MissingError, match=r"pip install 'qiskit-ionq'"):
        vendor("qiskit_ionq:IonQProvider").snapshot()
    assert all(
        top == package.partition("[")[0].replace("-", "_") or top == "iqm"
        for top, package in PACKAGES.items()
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ShortLater", "399 shots came; 400 were asked"),
        ("OneLater", "1 shots came; 400 were asked"),
        ("FewerLater", "results of 3 circuits came for 4"),
        ("Counting", "outcome 00 came 0.5 times; expected a whole number"),
        ("NotANumber", "outcome 00 came nan times; expected a whole number"),
    ],
)
def test_what_was_not_asked_is_refused_after_the_self_test_too(name, said):
    with pytest.raises(RejectedError, match=said):
        vendor(name).run([workload()])


@pytest.fixture
def needs_bound_circuits(monkeypatch):
    """Give vendors here a transpiler that takes no parameters."""
    make = device.generate_preset_pass_manager

    class Bound(AnalysisPass):
        def run(self, dag):
            if dag_to_circuit(dag).num_parameters:
                raise TypeError("unbound parameters")

    def made(**options):
        passes = make(**options)
        passes.pre_init = PassManager([Bound()])
        return passes

    monkeypatch.setattr(device, "generate_preset_pass_manager", made)


@pytest.mark.usefixtures("needs_bound_circuits")
def test_rows_are_bound_before_transpiling_where_the_vendor_needs_it():
    asked = workload(n_rows=70)  # more than one job takes
    how = {"shots": 400, "optimization_level": 1, "seed_transpiler": 3, "free": True}
    with pytest.raises(ConfigError, match=r"unbound parameters.*bind_first: true"):
        open_backend(Honest(), **how).run([asked])
    [reading] = open_backend(Honest(), **how, bind_first=True).run([asked])
    [exact] = open_backend("exact").run([asked])
    assert (np.abs(reading.value - exact.value) < 5 * reading.stderr).all()


def test_binding_first_gives_the_same_numbers():
    asked = workload()
    [one] = vendor("Honest", seed_simulator=5, optimization_level=0).run([asked])
    [other] = vendor("Honest", seed_simulator=5, optimization_level=0, bind_first=True).run([asked])
    np.testing.assert_array_equal(one.value, other.value)


def paid(folder, name="Service", python=None, **fields):
    arguments = {"folder": str(folder)} if name == "Service" else {}
    return vendor(name, free=False, arguments=arguments, python=python, **fields)


@pytest.mark.parametrize("python", [None, sys.executable])
def test_job_is_found_again_by_its_id(python, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    backend = paid(tmp_path, python=python, bind_first=True)
    assert not backend.is_local
    assert backend.self_test_executions == 700
    assert backend.limits.evaluations == 3
    asked = workload(n_rows=3)
    [unit] = backend.prepare([asked])
    with pytest.raises(PaidError):
        backend.send([unit], "u")
    job_id = backend.send([unit], "u", permit=Permit(frozenset({"u"})))
    assert job_id == f"job {3}"  # the self-test took as many as it must
    assert backend.self_test_executions == 0
    assert backend.find("u") == job_id
    _opened.cache_clear()
    later = paid(tmp_path, python=python, bind_first=True)
    assert later.poll(job_id) == "DONE"
    [raw] = later.decode(later.collect(job_id), [3])
    reading, [exact] = read(asked, raw), open_backend("exact").run([asked])
    assert (np.abs(reading.value - exact.value) < 5 * reading.stderr).all()
    (tmp_path / job_id).write_text("ERROR")
    assert later.poll(job_id) == "FAILED"
    assert later.reason(job_id) == "RuntimeError: the ion was lost"
    (tmp_path / job_id).write_text("RUNNING")
    assert later.poll(job_id) == "RUNNING"
    later.cancel(job_id)
    assert later.poll(job_id) == "CANCELLED"
    with pytest.raises(RejectedError, match="job no: LookupError: no no"):
        later.poll("no")


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([{"00": 400}], "counts of 1 circuits came for 2"),
        ([{"00": 400}, {"00": 399}], "row 1: 399 shots came; 400 were asked"),
        ([{"00": 400}, {"00": float("nan")}], "row 1: outcome 00 came nan times"),
        ([{"00": 400}, {"0": 200, "01": 200}], "row 1: outcome '01' found; expected 1 digits"),
        ([{"00": 400}, {}], "row 1: 0 shots came"),
    ],
)
def test_answer_of_a_job_is_kept_as_it_came_and_read_with_care(counts, said, tmp_path):
    (tmp_path / "job 0").write_text(json.dumps(counts))
    backend = paid(tmp_path)
    payload = backend.collect("job 0")
    assert json.dumps(json.loads(payload)) == json.dumps(counts)
    with pytest.raises(RejectedError, match=said):
        backend.decode(payload, [2])


def test_vendor_that_cannot_look_jobs_up_is_waited_for(tmp_path):
    backend = paid(tmp_path, name="Honest")
    assert backend.is_local
    [unit] = backend.prepare([workload()])
    RUNS.clear()
    permit = Permit(frozenset({"a", "b"}))
    for uid in ("a", "b"):
        job_id = backend.send([unit], uid, permit=permit)
        assert backend.poll(job_id) == "DONE"
        [raw] = backend.decode(backend.collect(job_id), [4])
        assert raw["bits"].shape == (4, 400, 1)
    assert RUNS == [100, 400, 400]  # one self-test for all jobs
    assert backend.find("c") is None
    with pytest.raises(RejectedError, match="the process that sent it has ended"):
        backend.collect("lost")


def test_budget_of_an_entry():
    assert vendor("Honest").max_executions is None
    assert vendor("Honest", free=False, max_executions=5000).max_executions == 5000
    with pytest.raises(ConfigError, match="max_executions"):
        vendor("Honest", max_executions=0)
