"""A QPU handed over as an object is refused: by this road nothing would ask before it is paid."""

import sys

import pytest
from loopback_service import DEVICE
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.executor_estimator import Estimator
from qiskit_ibm_runtime.executor_sampler import Sampler

from qrec.backends import open_backend
from qrec.errors import ConfigError

SETTINGS = {"shots": 10, "optimization_level": 1, "seed_transpiler": 1}
MAKERS = {
    "device": lambda device: device,
    "sampler": lambda device: Sampler(mode=device),
    "estimator": lambda device: Estimator(mode=device),
    "Qiskit's sampler": lambda device: BackendSamplerV2(backend=device),
    "Qiskit's estimator": lambda device: BackendEstimatorV2(backend=device),
}
FACTORY = f"""
from qiskit_ibm_runtime import QiskitRuntimeService

def make():
    return QiskitRuntimeService().backend({DEVICE!r})
"""


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_qpu_is_refused_whatever_it_is_wrapped_in(make, service):
    given = make(QiskitRuntimeService().backend(DEVICE))
    fields = {"precision": 0.1} if "stimator" in type(given).__name__ else SETTINGS
    with pytest.raises(ConfigError, match=r"kind ibm .*`qrec submit`"):
        open_backend(given, **fields)
    assert not service.jobs


@pytest.mark.parametrize("python", [None, sys.executable], ids=["here", "apart"])
def test_a_vendor_whose_device_is_a_qpu_is_refused(python, service, tmp_path, monkeypatch):
    (tmp_path / "my_devices.py").write_text(FACTORY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    fields = {"kind": "provider", "backend": "my_devices:make", "free": True, "python": python}
    with pytest.raises(ConfigError, match=r"my_devices:make made a QPU .*kind ibm"):
        open_backend(fields, **SETTINGS).target.num_qubits  # noqa: B018
    assert not service.jobs


def test_a_runtime_primitive_on_a_simulator_is_taken():
    assert open_backend(Sampler(mode=AerSimulator()), **SETTINGS).shots == 10
