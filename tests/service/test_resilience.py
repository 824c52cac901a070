"""`resilience_level`: values by the client-side estimator, through the same jobs as shots."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from conftest import BACKENDS
from loopback_service import decode_program
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparseObservable

from qrec.backends import open_backend
from qrec.backends.base import Permit
from qrec.backends.readings import read
from qrec.backends.workload import Workload
from qrec.errors import ConfigError, PaidError
from qrec.runs.folder import find_run

LEVELS = [pytest.param(0, marks=pytest.mark.slow), 1, pytest.param(2, marks=pytest.mark.slow)]


@pytest.fixture
def workload():
    """A Bell-like circuit whose expectation values are known by heart."""
    x = ParameterVector("x", 1)
    circuit = QuantumCircuit(3)
    circuit.ry(x[0], 2)
    circuit.cx(2, 0)
    observable = SparseObservable.from_sparse_list([("Z", [0], 1.0), ("10", [0, 2], 0.5)], 3)
    return Workload(circuit, observable, np.linspace(0, np.pi, 5)[:, None], "bell")


def entry(**fields):
    return BACKENDS["backends"]["qpu"] | {"shots": 600} | fields


def permitted(backend, workload):
    """Send one workload with a permit, wait, and return the reading."""
    [unit] = backend.prepare([workload])
    job = backend.send([unit], "uid", permit=Permit(frozenset({"uid"})))
    backend.close()
    while backend.poll(job) != "DONE":
        pass
    [raw] = backend.decode(backend.collect(job), [len(workload)])
    return read(workload, raw)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("level", LEVELS)
def test_values_are_those_of_the_circuit(level, workload):
    reading = permitted(open_backend(entry(resilience_level=level)), workload)
    expected = np.cos(workload.parameters[:, 0])
    assert reading.value.shape == reading.stderr.shape == (5,)
    assert (reading.stderr > 0).any()
    np.testing.assert_allclose(reading.value, expected, atol=0.3)
    np.testing.assert_array_less(0.8, np.corrcoef(reading.value, expected)[0, 1])


@pytest.mark.parametrize("level", [None, 0, pytest.param(1, marks=pytest.mark.slow)])
def test_joint_observables_cost_what_one_does(level, workload, service):
    """One PUB, each circuit once: a column for every observable, in their order."""
    terms = [("Z", [2], 1.0)], [("1", [1], 1.0)], [("ZZ", [0, 2], 1.0)]
    others = [SparseObservable.from_sparse_list(one, 3) for one in terms]
    joint = replace(workload, observables=[workload.observables, *others])
    backend = open_backend(entry(resilience_level=level))
    for one in (workload, joint):
        permitted(backend, one)
    single, several = (decode_program(job.body["params"])[0] for job in service.jobs.values())
    assert [i.shape for i in single.items] == [i.shape for i in several.items]
    units = backend.prepare([joint])
    assert (
        backend.estimate(units).executions
        == backend.estimate(backend.prepare([workload])).executions
    )
    cosine = np.cos(workload.parameters[:, 0])
    reading = permitted(backend, joint)
    assert reading.value.shape == reading.stderr.shape == (5, 4)
    expected = np.column_stack([cosine, cosine, 0 * cosine, 1 + 0 * cosine])
    np.testing.assert_allclose(reading.value, expected, atol=0.35)


@pytest.mark.usefixtures("service")
def test_rows_without_parameters_are_one_circuit():
    circuit = QuantumCircuit(2)
    circuit.x(1)
    pair = [SparseObservable("IZ"), SparseObservable("ZI")]
    for observables, expected in ((pair, [[1.0, -1.0]] * 3), (pair[1], [-1.0] * 3)):
        asked = Workload(circuit, observables, np.empty((3, 0)), "bits")
        reading = permitted(open_backend(entry(resilience_level=0)), asked)
        np.testing.assert_allclose(reading.value, expected, atol=0.25)
        assert reading.stderr.shape == np.shape(expected)


def test_a_qpu_is_asked_by_submission_alone(workload, service):
    backend = open_backend(entry())
    for ask in (lambda: backend.run([workload]), backend.sampler, backend.estimator,
                lambda: backend.send(backend.prepare([workload]), "uid")):  # fmt: skip
        with pytest.raises(PaidError, match="qrec submit"):
            ask()
    assert not service.jobs


@pytest.mark.slow
@pytest.mark.usefixtures("service")
def test_readout_errors_are_taken_out(workload):
    errors = [
        np.abs(
            permitted(open_backend(entry(shots=4000, **level)), workload).value
            - np.cos(workload.parameters[:, 0])
        ).mean()
        for level in ({"resilience_level": 0}, {"resilience_level": 1})
    ]
    assert errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize("level", LEVELS)
def test_submitted_run_counts_sends_fetches_and_sends_again(
    level, service, experiment_file, qrec, fetch_all, tmp_path
):
    content = yaml.safe_load((tmp_path / "backends.yaml").read_text())
    content["backends"]["qpu"]["resilience_level"] = level
    (tmp_path / "backends.yaml").write_text(yaml.safe_dump(content))
    command = ("submit", experiment_file, "-b", "qpu", "--json")
    [planned] = json.loads(qrec(*command, "--dry-run")[1])["rows"]
    service.ends = "Failed"
    qrec(*command, "--yes")
    assert [qrec("fetch", "latest")[0] for _ in range(2)] == [3, 1]
    service.ends = "Completed"
    assert qrec(*command, "--yes")[0] == 0  # circuits come from the run folder now
    for job in service.jobs.values():
        program, _ = decode_program(job.body["params"])
        sizes = [int(np.prod(item.shape)) for item in program.items]
        assert planned["executions"] == sum(sizes) * program.shots
    fetch_all()
    service.jobs.clear()
    before = (find_run("latest").path / "rows.csv").read_text()
    assert qrec("replay", "latest")[0] == 0
    after = (find_run("latest").path / "rows.csv").read_text()
    columns = [[line.split(",")[:5] for line in text.splitlines()] for text in (before, after)]
    assert columns[0] == columns[1]


def test_contradictions_are_refused():
    with pytest.raises(ConfigError, match="resilience_level 1 takes readout errors out"):
        open_backend(entry(resilience_level=1, twirl_measurements=False))
    with pytest.raises(ConfigError, match="resilience_level"):
        open_backend(entry(resilience_level=3))
