"""The user's backends.yaml on top of the packaged one; and what is noiseless whatever it says."""

import numpy as np
import pytest
import yaml
from fake_vendors import Honest
from qiskit import QuantumCircuit
from qiskit.primitives import (
    BackendEstimatorV2,
    BackendSamplerV2,
    BaseSamplerV2,
    StatevectorEstimator,
)
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparseObservable
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qrec.backends import Workload, backend_names, noiseless, open_backend
from qrec.errors import ConfigError, PaidError
from qrec.registry import PACKAGED

PACKAGED_FILE = PACKAGED / "backends.yaml"
NOISY = {"kind": "exact", "snapshot": "fake:FakeManilaV2", "optimization_level": 1,
         "seed_transpiler": 1}  # fmt: skip


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Return a user's file in force: one packaged entry replaced, two added, one of them wrong."""
    entries = {
        "mine": {"kind": "exact", "dtype": "float32"},
        "exact": NOISY,
        "wrong": {"kind": "aer"},
    }
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"schema_version": 1, "backends": entries}, sort_keys=False))
    monkeypatch.setenv("QREC_BACKENDS", str(path))
    return path


@pytest.mark.usefixtures("file")
def test_entries_are_added_and_replaced_in_the_packaged_order():
    packaged = list(yaml.safe_load(PACKAGED_FILE.read_text())["backends"])
    assert backend_names() == [*packaged, "mine", "wrong"]
    assert open_backend("mine").spec.dtype == "float32"
    assert open_backend("exact").spec.snapshot == "fake:FakeManilaV2"
    assert open_backend("aer_ideal").shots == 1024


@pytest.mark.parametrize("how", ["argument", "folder"])
def test_where_the_file_may_be_said(how, file, tmp_path, monkeypatch):
    monkeypatch.delenv("QREC_BACKENDS")
    assert "mine" not in backend_names()
    if how == "argument":
        assert "mine" in backend_names(file)
        return
    monkeypatch.chdir(tmp_path)
    file.rename(tmp_path / "backends.yaml")
    assert "mine" in backend_names()


def test_an_error_names_the_file_that_the_entry_comes_from(file):
    with pytest.raises(ConfigError, match=rf"{file}: wrong: shots: "):
        open_backend("wrong")
    with pytest.raises(ConfigError, match=rf"{PACKAGED_FILE}: aer_ideal: shots: .*found 0"):
        open_backend("aer_ideal", shots=0)
    with pytest.raises(ConfigError, match=rf"backend \(in {PACKAGED_FILE} and {file}\) 'mien'"):
        open_backend("mien")


@pytest.mark.usefixtures("file")
def test_noiseless_does_not_hang_on_the_name_exact():
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.x(0)
    circuit.h(0)
    workload = Workload(circuit, SparseObservable("Z"), np.empty((1, 0)), "w")
    for backend in (noiseless(), open_backend(), open_backend(None)):
        assert backend.run([workload])[0].value == pytest.approx(1.0, abs=1e-15)
        assert (backend.shots, backend.pinned, backend.spec.dtype) == (None, None, "float64")
    assert open_backend("exact").run([workload])[0].value < 0.999
    assert open_backend(None, dtype="float32").spec.dtype == "float32"


SHOTS = {"shots": 10, "optimization_level": 1, "seed_transpiler": 1}


class Own(AerSimulator):
    """A simulator by its base, which may send its circuits anywhere."""


class OwnSampler(BaseSamplerV2):
    def run(self, pubs, *, shots=None):
        raise AssertionError


@pytest.mark.parametrize(
    "made", [AerSimulator, FakeManilaV2, BasicSimulator, lambda: GenericBackendV2(2)]
)
def test_what_computes_here_is_free(made):
    assert not open_backend(made(), **SHOTS).costs
    assert open_backend(BackendSamplerV2(backend=made()), **SHOTS).shots == 10
    with pytest.raises(PaidError):
        open_backend(made(), **SHOTS, free=False)


@pytest.mark.parametrize(
    ("made", "fields"),
    [
        (Honest, SHOTS),
        (Own, SHOTS),
        (OwnSampler, SHOTS),
        (lambda: BackendSamplerV2(backend=Honest()), SHOTS),
        (lambda: BackendEstimatorV2(backend=Honest()), {"precision": 0.1}),
    ],
)
def test_what_is_not_known_to_compute_here_costs_unless_it_is_said_not_to(made, fields):
    with pytest.raises(PaidError, match=r"free=True.*kind provider.*`qrec submit`"):
        open_backend(made(), **fields)
    with pytest.raises(PaidError):
        open_backend(made(), **fields, free="no")
    if made in (Honest, Own, OwnSampler):
        assert not open_backend(made(), **fields, free=True).costs


def test_qiskits_own_estimator_is_free():
    assert not open_backend(StatevectorEstimator(), precision=0.1).costs
