"""Backends: the only place that imports qiskit-aer or qiskit-ibm-runtime."""

from qrec.backends.base import Backend, BackendSpec
from qrec.backends.device.snapshots import fake_devices
from qrec.backends.open import backend_names, noiseless, open_backend
from qrec.backends.workload import Reading, Workload

__all__ = [
    "Backend",
    "BackendSpec",
    "Reading",
    "Workload",
    "backend_names",
    "fake_devices",
    "noiseless",
    "open_backend",
]
