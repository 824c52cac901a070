"""Files to start from work as they are; the doctor finds what is wrong and tells no secret."""

import os
import subprocess
import sys

import numpy as np
import pytest

from qrec.backends import open_backend
from qrec.cli import doctor


def call(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=os.environ | {"QREC_RUNS_DIR": str(cwd / "runs")} | environment,
    )


@pytest.mark.parametrize("what", ["recommender", "experiment", "circuit"])
def test_what_is_new_runs_and_passes_its_test(what, tmp_path):
    done = call("qrec", "new", what, "my_thing", cwd=tmp_path)
    assert done.stdout.split() == ["my_thing.py", "test_my_thing.py", "my_thing.yaml"]
    ran = call("qrec", "run", "my_thing.yaml", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    passed = call("pytest", "-p", "no:cacheprovider", "test_my_thing.py", cwd=tmp_path)
    assert passed.returncode == 0, passed.stdout
    style = call("ruff", "check", "--select", "F,B", ".", cwd=tmp_path)
    assert style.returncode == 0, style.stdout
    again = call("qrec", "new", what, "my_thing", cwd=tmp_path)
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


@pytest.mark.parametrize("name", ["my-thing", "class", "../x", "Thing"])
def test_what_is_no_name_is_refused(name, tmp_path):
    done = call("qrec", "new", "circuit", name, cwd=tmp_path)
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_finds_qubits_turned_round(monkeypatch):
    backend = open_backend("exact")
    assert doctor._asymmetric(backend)[1]
    run = type(backend).run

    def turned(self, workloads):
        readings = run(self, workloads)
        for reading in readings:
            reading.value[...] = np.flip(reading.value, axis=-1)
        return readings

    monkeypatch.setattr(type(backend), "run", turned)
    assert not doctor._asymmetric(backend)[1]


def test_the_doctor_says_where_a_credential_is_and_never_what(tmp_path):
    (tmp_path / ".qiskit").mkdir()
    saved = tmp_path / ".qiskit" / "qiskit-ibm.json"
    saved.write_text('{"default": {"token": "SECRET1"}}')
    saved.chmod(0o644)
    done = call("qrec", "doctor", "-b", "exact", cwd=tmp_path, HOME=str(tmp_path),
                QISKIT_IBM_TOKEN="SECRET2")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "QISKIT_IBM_TOKEN" in done.stdout
    assert "for this process" in done.stdout
    assert f"chmod 600 {saved}" in done.stderr
    assert "SECRET" not in done.stdout + done.stderr
