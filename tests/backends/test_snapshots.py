"""A device's snapshot: from the package, to a file and back, and what is wrong with a file."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable
from qiskit_ibm_runtime import fake_provider

from qrec.backends import Workload
from qrec.backends.device.snapshots import (
    Snapshot,
    checksum,
    fake_devices,
    make_snapshot,
    open_snapshot,
    read_snapshot,
)
from qrec.backends.open import open_backend, parse_backend
from qrec.errors import ConfigError

MANILA = open_snapshot("fake:FakeManilaV2")
TEXT = json.dumps(MANILA.model_dump())


def described(target):
    """Return all that a target says, whatever the order of its operations."""
    operations = {
        name: {
            qubits: properties and (properties.error, properties.duration)
            for qubits, properties in target[name].items()
        }
        for name in target.operation_names
    }
    qubits = [(q.t1, q.t2, q.frequency) for q in target.qubit_properties]
    return target.num_qubits, target.dt, operations, qubits


@pytest.mark.parametrize("name", ["FakeManilaV2", "FakeJakartaV2", "FakeFractionalBackend"])
def test_target_is_that_of_the_shipped_device(name):
    found = open_snapshot(f"fake:{name}").device
    assert described(found.target) == described(getattr(fake_provider, name)().target)


def test_a_snapshot_says_which_calibration_it_is():
    assert (MANILA.name, MANILA.date) == ("fake_manila", "2024-05-27T15:27:23-03:00")
    assert MANILA.sha256 == checksum(MANILA.configuration, MANILA.properties)
    assert MANILA.rep_delay == pytest.approx(250e-6)


def test_file_gives_back_the_device(tmp_path):
    path = tmp_path / "manila.json"
    path.write_text(TEXT)
    found = open_snapshot(f"file:{path}")
    assert found == MANILA
    assert described(found.device.target) == described(MANILA.device.target)


def test_file_is_looked_for_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "manila.json").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    settings = {"kind": "exact", "optimization_level": 1, "seed_transpiler": 0}
    backend = open_backend(settings, snapshot="file:manila.json")
    assert backend.pinned == MANILA
    assert backend.snapshot()["snapshot"]["sha256"] == MANILA.sha256


def changed(**fields):
    return json.dumps(json.loads(TEXT) | fields)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        ("", "not valid JSON"),
        (TEXT[: len(TEXT) // 2], "not valid JSON"),
        ("[1, 2]", "found list"),
        ("{}", "configuration: Field required"),
        (changed(schema_version=2), r"schema_version.*found 2"),
        (changed(colour="red"), "colour: no such key"),
        (changed(properties={}), "properties: expected the key 'last_update_date'"),
        (changed(configuration={"n_qubits": 5}), "configuration: expected the key 'backend_name'"),
        (changed(sha256="0" * 64), "sha256: the file says 0000.*gives"),
        (changed(date="2020-01-01"), "date: the file says 2020-01-01.*2024-05-27"),
    ],
)
def test_wrong_files_are_refused_by_name(content, said, tmp_path):
    path = tmp_path / "snapshot.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=rf"snapshot\.json: .*{said}"):
        read_snapshot(path)


@given(place=st.integers(0, len(TEXT) - 1), letter=st.characters(max_codepoint=127))
def test_no_change_goes_unnoticed(tmp_path_factory, place, letter):
    path = tmp_path_factory.mktemp("edited") / "snapshot.json"
    path.write_text(TEXT[:place] + letter + TEXT[place + 1 :])
    try:
        found = read_snapshot(path)
    except ConfigError:
        return
    assert found.model_dump() == MANILA.model_dump()


@pytest.mark.parametrize(
    ("configuration", "properties"),
    [
        ({"backend_name": "x"}, MANILA.properties),
        (MANILA.configuration, {"last_update_date": "2020-01-01"}),
        (MANILA.configuration, MANILA.properties | {"qubits": []}),
    ],
)
def test_what_is_no_device_is_said_when_it_is_needed(configuration, properties):
    with pytest.raises(ConfigError, match=r"snapshot of '(x|fake_manila)': its"):
        _ = make_snapshot(configuration, properties, "here").device


def test_a_folder_is_no_snapshot(tmp_path):
    with pytest.raises(ConfigError, match=r"directory; expected a file such as"):
        open_snapshot(f"file:{tmp_path}")


def test_names_are_checked():
    with pytest.raises(ConfigError, match="FakeManilaV2"):
        open_snapshot("fake:FakeManila2")
    with pytest.raises(ConfigError, match="snapshot"):
        parse_backend({"kind": "exact", "snapshot": "real:ibm_x", "optimization_level": 1}, "here")


def test_another_calibration_is_another_snapshot():
    properties = json.loads(json.dumps(MANILA.properties))
    properties["qubits"][2][0]["value"] += 1e-9
    other = make_snapshot(MANILA.configuration, properties, "here")
    assert isinstance(other, Snapshot)
    assert other != MANILA
    assert other.device.target.qubit_properties[2].t1 != MANILA.device.target.qubit_properties[2].t1


def test_fake_devices_by_pattern_and_width():
    everywhere = fake_devices()
    assert len(everywhere) > 50
    assert [d.source for d in everywhere] == sorted(d.source for d in everywhere)
    manila = next(d for d in everywhere if d.source == "fake:FakeManilaV2")
    assert (manila.n_qubits, manila.date) == (5, MANILA.date)
    wide = fake_devices("fake:FakeT*", 130)
    assert [d.source for d in wide] == ["fake:FakeTorino"]
    for pattern, least in (("fake:FakeT*", 1000), ("fake:Manila", 1), ("FakeT*", 1)):
        with pytest.raises(ConfigError, match=r"none with .*expected a pattern such as fake:\*"):
            fake_devices(pattern, least)


def test_a_device_opens_by_its_name_alone():
    backend = open_backend("fake:FakeManilaV2")
    settings = {"optimization_level": 3, "seed_transpiler": 7, "kind": "exact"}
    same = open_backend(settings, name=backend.name, snapshot="fake:FakeManilaV2")
    assert (backend.name, backend.spec) == ("fake:FakeManilaV2", same.spec)
    other = open_backend("fake:FakeManilaV2", noise={"only": []}, name="quiet")
    assert (other.name, other.spec.noise.only) == ("quiet", ())
    with pytest.raises(ConfigError, match="FakeManilaV2"):
        open_backend("fake:FakeManila2").pinned  # noqa: B018


def test_two_days_of_one_device_side_by_side(tmp_path):
    """Their noise is their own, and so are the files that a run keeps of them."""
    properties = json.loads(json.dumps(MANILA.properties))
    properties["last_update_date"] = "2024-06-01T00:00:00+00:00"
    for gate in properties["gates"]:
        for entry in gate["parameters"]:
            if entry["name"] == "gate_error":
                entry["value"] *= 3
    later = make_snapshot(MANILA.configuration, properties, "here")
    days = {"may": MANILA, "june": later}
    entries = {}
    for day, snapshot in days.items():
        (tmp_path / f"{day}.json").write_text(snapshot.text())
        entries[day] = {"kind": "exact", "snapshot": f"file:{tmp_path}/{day}.json",
                        "optimization_level": 1, "seed_transpiler": 0}  # fmt: skip
    file = tmp_path / "backends.yaml"
    file.write_text(json.dumps({"schema_version": 1, "backends": entries}))
    circuit = QuantumCircuit(2)
    circuit.cx(0, 1)
    workload = Workload(circuit, SparseObservable("ZI"), np.empty((1, 0)), "w")
    opened = {day: open_backend(day, file=file) for day in days}
    sources = [entry["snapshot"] for entry in entries.values()]
    fields = {"optimization_level": 1, "seed_transpiler": 0}
    opened |= {source: open_backend(source, **fields) for source in sources}
    assert [backend.name for backend in opened.values()] == list(opened)
    values = [backend.run([workload])[0].value[0] for backend in opened.values()]
    assert values[:2] == values[2:]
    assert values[1] < values[0] - 1e-3
    recorded = [backend.snapshot()["snapshot"] for backend in opened.values()]
    assert [one["date"] for one in recorded[:2]] == [MANILA.date, later.date]
    assert recorded[0]["name"] == recorded[1]["name"]
    assert recorded[0]["file"] != recorded[1]["file"]
