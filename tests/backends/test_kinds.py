"""A kind of backend from outside: one file, found by its name or by where it is."""

import numpy as np
import pytest
import yaml
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec import registry
from qrec.backends import Workload, open_backend
from qrec.errors import ConfigError

PLUGIN = '''
from qiskit.primitives import StatevectorSampler
from qiskit.transpiler import generate_preset_pass_manager

from qrec.backends.sampled import SampledBackend, SampledSpec


class MineSpec(SampledSpec):
    kind: str
    qubits: int


class MineBackend(SampledBackend):
    """Qiskit's own sampler."""

    Spec = MineSpec
    target = None

    def pass_manager(self):
        return generate_preset_pass_manager(self.spec.optimization_level)

    def _sampler(self, seed):
        return StatevectorSampler(seed=seed)
'''
FIELDS = {"shots": 100, "seed_simulator": 1, "optimization_level": 1, "seed_transpiler": 1}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with the plug-in, named by two entries of its backends.yaml."""
    name = f"plugin_{tmp_path.name}".replace("-", "_")  # a module is imported once per process
    (tmp_path / f"{name}.py").write_text(PLUGIN)
    entries = {
        "by_path": {"kind": f"{name}:MineBackend", "qubits": 3, **FIELDS},
        "by_name": {"kind": "mine", "qubits": 3, **FIELDS},
        "no_backend": {"kind": f"{name}:MineSpec"},
    }
    file = tmp_path / "backends.yaml"
    file.write_text(yaml.safe_dump({"schema_version": 1, "backends": entries}))
    monkeypatch.setenv("QREC_BACKENDS", str(file))
    installed = tmp_path / "site" / "mine-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(f"[qrec.backends]\nmine = {name}:MineBackend\n")
    return tmp_path


def value(backend):
    circuit = QuantumCircuit(2)
    circuit.x(1)
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0), ("Z", [1], 2.0)], 2)
    return backend.run([Workload(circuit, z, np.empty((1, 0)), "w")])[0].value.tolist()


def test_a_class_beside_the_file_that_names_it_is_a_kind(folder):
    entry = yaml.safe_load((folder / "backends.yaml").read_text())["backends"]["by_path"]
    with pytest.raises(ConfigError, match="--allow-code"):
        open_backend(entry)  # from who knows where
    opened = open_backend("by_path")
    assert value(opened) == [-1.0]
    stored = opened.snapshot()["spec"]
    with registry.door(folder):
        assert open_backend(stored).spec == opened.spec


def test_an_installed_package_adds_a_kind_by_name(folder, monkeypatch):
    with pytest.raises(ConfigError, match=r"unknown kind of backend .*by_name.*'mine'"):
        open_backend("by_name")
    monkeypatch.syspath_prepend(folder / "site")
    monkeypatch.syspath_prepend(folder)
    assert value(open_backend("by_name")) == [-1.0]


def test_settings_of_a_kind_from_outside_are_checked(folder):
    with registry.door(folder):
        with pytest.raises(ConfigError, match=r"backends\.yaml: by_path: qubits: .*found 'many'"):
            open_backend("by_path", qubits="many")
        with pytest.raises(ConfigError, match=r"no_backend: kind: .*a subclass of"):
            open_backend("no_backend")


@pytest.mark.parametrize("entry", [{}, {"kind": 3}])
def test_an_entry_without_a_kind_hears_which_there_are(entry):
    with pytest.raises(ConfigError, match="aer, exact, ibm, provider"):
        open_backend(entry)
