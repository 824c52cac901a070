"""A run that is taken up again computes with the device that it began with."""

import json

import pytest
import yaml

from qrec.backends.device.snapshots import open_snapshot
from qrec.runner.load import load
from qrec.runner.run import begin, resume, run

NOISE = {
    "schema_version": 1,
    "kind": "vqsvd_noise",
    "name": "noise",
    "title": "one small matrix",
    "problems": [{"n_qubits": 1, "n_layers": 1, "n_matrices": 2}],
    "forms": ["direct"],
    "backends": ["noisy"],
    "n_starts": 1,
}


@pytest.mark.usefixtures("runs_dir")
def test_device_stays_where_its_file_is_gone(tmp_path, monkeypatch):
    file = tmp_path / "device.json"
    file.write_text(json.dumps(open_snapshot("fake:FakeManilaV2").model_dump()))
    noisy = {"kind": "aer", "snapshot": f"file:{file}", "shots": 20, "seed_simulator": 1,
             "optimization_level": 1, "seed_transpiler": 2}  # fmt: skip
    content = {"schema_version": 1, "backends": {"exact": {"kind": "exact"}, "noisy": noisy}}
    (tmp_path / "backends.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setenv("QREC_BACKENDS", str(tmp_path / "backends.yaml"))
    begun = begin(load(NOISE))
    whole = run(NOISE)
    file.unlink()
    assert resume(begun.id).rows == whole.rows
    assert begun.snapshots() == whole.folder.snapshots()
    assert begun.snapshots()["noisy"].name == "fake_manila"
