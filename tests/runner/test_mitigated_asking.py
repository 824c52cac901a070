"""What a mitigation asks is stored and replayed as any question is."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparseObservable

from qrec.backends import Workload, open_backend
from qrec.backends.mitigation import open_mitigation
from qrec.runner.asking import Asker, Here, Stored

ENTRY = {"kind": "exact", "snapshot": "fake:FakeManilaV2", "optimization_level": 3,
         "seed_transpiler": 7, "noise": {"only": ["readout", "two_qubit", "idle"]}}  # fmt: skip
SHOTS = {"shots": 500, "seed_simulator": 3}


@pytest.mark.parametrize("fields", [{}, SHOTS, SHOTS | {"kind": "aer"}])
@pytest.mark.parametrize("name", ["readout+zne_linear", "twirling", "decoupling"])
def test_stored_answers_give_the_same_mitigated_readings(name, fields, tmp_path):
    circuit, x = QuantumCircuit(2), Parameter("x")
    circuit.ry(x, 0)
    circuit.cx(0, 1)
    circuit.ry(0.4, 1)
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0), ("ZZ", [0, 1], 0.5)], 2)
    workload = Workload(circuit, z, np.array([[0.3], [1.1]]), "w")
    backend, method = open_backend(ENTRY | fields), open_mitigation(name)
    plain = method.mitigate(backend, [workload])
    for mode in (Here(), Stored()):
        ask = Asker(tmp_path, "step", {"device": backend}, mode, str)
        found = method.mitigate(backend, [workload], ask)
        np.testing.assert_allclose(found.readings[0].value, plain.readings[0].value, atol=1e-12)
        np.testing.assert_allclose(found.readings[0].stderr, plain.readings[0].stderr, atol=1e-12)
        assert found.executions == plain.executions
