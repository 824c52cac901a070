"""The noise of the day: the device as it was is kept with the run, and simulated later."""

import json
from copy import deepcopy

import loopback_service
import numpy as np
import pytest
import yaml
from loopback_service import DEVICE
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable
from stored import predictions

from qrec.backends import open_backend
from qrec.backends.device.snapshots import forget_live, open_snapshot
from qrec.backends.workload import Workload
from qrec.runner.load import load
from qrec.runner.run import begin, resume
from qrec.runs.folder import find_run

SETTINGS = {"optimization_level": 1, "seed_transpiler": 7}
SHOTS = {"shots": 40, "seed_simulator": 7}


@pytest.fixture(autouse=True)
def fresh():
    """Let no test see the device that another one asked for."""
    forget_live()


@pytest.fixture
def recalibrate(monkeypatch):
    """Return a function after which the service's device is a worse one than before."""
    files = {
        what: deepcopy(loopback_service.device_file(what))
        for what in ("configuration", "properties", "status")
    }
    monkeypatch.setattr(loopback_service, "device_file", files.__getitem__)

    def change():
        for gate in files["properties"]["gates"]:
            for parameter in gate["parameters"]:
                if parameter["name"] == "gate_error":
                    parameter["value"] = min(1.0, 20 * parameter["value"])
        files["properties"]["last_update_date"] = "2030-01-01T00:00:00Z"

    return change


def add_backend(folder, name, **fields):
    path = folder / "backends.yaml"
    content = yaml.safe_load(path.read_text())
    content["backends"][name] = fields
    path.write_text(yaml.safe_dump(content))


def described(target):
    """Return errors and durations of a target's operations, whatever their order."""
    return {
        (name, qubits): properties and (properties.error, properties.duration)
        for name in target.operation_names
        for qubits, properties in target[name].items()
    }


def values(kind, snapshot):
    """Return what a backend with this device makes of an asymmetric circuit."""
    circuit = QuantumCircuit(4)
    circuit.x(0)
    for qubit in range(3):
        circuit.ry(0.3 + qubit, qubit + 1)
        circuit.cx(qubit, qubit + 1)
    observable = SparseObservable.from_list([("ZIZI", 1.0), ("II01", 0.5)])
    fields = {"kind": kind, "snapshot": snapshot, **SETTINGS}
    backend = open_backend(fields | (SHOTS if kind == "aer" else {}))
    [reading] = backend.run([Workload(circuit, observable, np.empty((3, 0)), "day")])
    return reading.value


def test_noise_of_the_day_of_a_job_is_simulated_later(
    qrec, service, experiment_file, recalibrate, monkeypatch, tmp_path
):
    assert qrec("submit", experiment_file, "-b", "qpu", "--yes")[0] == 0
    sent = find_run("latest")
    [file] = (sent.path / "snapshots").iterdir()
    recorded = sent.record().details["backends"]["qpu"]["snapshot"]
    assert recorded["name"] == DEVICE
    assert recorded["file"] == f"snapshots/{file.name}"
    assert "configuration" not in (sent.path / "record.json").read_text()
    recalibrate()
    for job in service.jobs.values():
        job.step = 2  # it has ended
    assert qrec("fetch", sent.id)[0] == 0
    assert find_run(sent.id).record().details["backends"]["qpu"]["snapshot"] == recorded

    service.jobs.clear()
    monkeypatch.setenv("IAM_URL", "http://127.0.0.1:9")  # from here on nobody is there
    for kind in ("aer", "exact"):
        expected = values(kind, "fake:FakeJakartaV2")
        np.testing.assert_array_equal(values(kind, f"file:{file}"), expected)
    same = [open_snapshot(name) for name in (f"file:{file}", "fake:FakeJakartaV2")]
    assert described(same[0].device.target) == described(same[1].device.target)
    monkeypatch.chdir(tmp_path)
    relative = f"file:{file.relative_to(tmp_path)}"
    add_backend(tmp_path, "noise_of_the_day", kind="aer", snapshot=relative, **SETTINGS, **SHOTS)
    assert qrec("run", experiment_file, "-b", "noise_of_the_day")[0] == 0
    simulated = find_run("latest")
    assert simulated.id != sent.id
    assert simulated.snapshots() == {"noise_of_the_day": sent.snapshots()["qpu"]}


def test_target_is_the_one_that_the_client_gives(service, monkeypatch):
    """Without fractional gates, which the client leaves out of a device that has them."""
    shipped = open_snapshot("fake:FakeFractionalBackend")
    assert "rzz" in shipped.device.target.operation_names
    named = {"backend_name": DEVICE, "simulator": False, "local": False}
    files = {"configuration": shipped.configuration | named, "properties": shipped.properties}
    files["status"] = loopback_service.device_file("status")
    monkeypatch.setattr(loopback_service, "device_file", files.__getitem__)
    backend = open_backend(
        {"kind": "ibm", "device": DEVICE, "shots": 10, "seed_transpiler": 0, "max_qpu_seconds": 1}
    )
    assert described(backend.target) == described(backend._service.device().target)
    assert "rzz" not in backend.target.operation_names
    assert not service.jobs


def test_live_is_the_device_as_it_is_when_a_run_begins(service, recalibrate):
    first = values("exact", f"live:{DEVICE}")
    np.testing.assert_array_equal(first, values("exact", "fake:FakeJakartaV2"))
    recalibrate()
    np.testing.assert_array_equal(first, values("exact", f"live:{DEVICE}"))
    forget_live()
    assert np.abs(values("exact", f"live:{DEVICE}") - first).max() > 0.1
    assert not service.jobs


def test_resumed_run_computes_with_the_device_it_began_with(
    experiment_file, service, recalibrate, tmp_path
):
    live = {"kind": "exact", "snapshot": f"live:{DEVICE}", **SETTINGS}
    add_backend(tmp_path, "today", **live)
    one, other = (begin(load(experiment_file, {}, ["today"])) for _ in range(2))
    resume(one.id)
    recalibrate()
    later = begin(load(experiment_file, {}, ["today"]))
    assert later.snapshots() != other.snapshots()
    service.revoked = True
    resume(other.id)
    assert one.snapshots() == other.snapshots()
    for a, b in zip(predictions(one), predictions(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_submission_taken_up_again_keeps_its_device(
    qrec, service, experiment_file, recalibrate, monkeypatch
):
    monkeypatch.setattr("qrec.runner.jobs.sleep", lambda _: None)
    service.faults = [loopback_service.Fault("POST", r"/jobs$", 503, times=9)]
    assert qrec("submit", experiment_file, "-b", "qpu", "--yes")[0] == 3
    begun = find_run("latest")
    [before] = begun.snapshots().values()
    recalibrate()
    service.faults = []

    def calibration(_):
        raise AssertionError("a run that has begun has its device")

    monkeypatch.setattr("qrec.backends.ibm.service.IbmService.calibration", calibration)
    assert qrec("submit", experiment_file, "-b", "qpu", "--yes")[0] == 0
    assert find_run("latest").id == begun.id
    assert begun.snapshots() == {"qpu": before}
    assert len(service.live()) == 1


@pytest.mark.usefixtures("service")
def test_edited_snapshot_of_a_run_is_refused(qrec, experiment_file):
    qrec("submit", experiment_file, "-b", "qpu", "--yes")
    [file] = (find_run("latest").path / "snapshots").iterdir()
    other = open_snapshot("fake:FakeManilaV2")
    file.write_text(json.dumps(other.model_dump()))
    status, _, err = qrec("fetch", "latest")
    assert status == 2
    assert file.name in err
    assert "record.json" in err
