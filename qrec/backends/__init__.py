"""Backends: the only place that imports qiskit-aer or qiskit-ibm-runtime."""

from qrec.backends.open import backend_names, open_backend

__all__ = ["backend_names", "open_backend"]
