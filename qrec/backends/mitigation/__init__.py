"""Mitigation of noise, on any backend: more circuits are asked, one better reading comes back.

    method = open_mitigation("readout+zne_exponential")
    found = method.mitigate(backend, workloads, ask)
    found.readings, found.circuits, found.evaluations, found.executions

What IBM's Estimator does by itself (TREX, ZNE, twirling, decoupling of kind `ibm`) is set in
backends.yaml instead.
"""

from qrec.backends.mitigation.base import Mitigated, Mitigation
from qrec.backends.mitigation.catalogue import MITIGATIONS, open_mitigation

__all__ = ["MITIGATIONS", "Mitigated", "Mitigation", "open_mitigation"]
