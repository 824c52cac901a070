"""Aer's own binding of parameters, gate by gate: it is wrong for controlled rotations."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparseObservable

from qrec.backends import open_backend
from qrec.backends.workload import Workload

ONE, TWO = ("rx", "ry", "rz", "p"), ("rxx", "ryy", "rzz", "rzx", "crx", "cry", "crz", "cp")


@pytest.mark.parametrize("gate", [*ONE, *TWO])
@pytest.mark.parametrize("level", [0, 2])
def test_every_rotation_is_bound_to_its_row(gate, level):
    t = ParameterVector("t", 2)
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.ry(0.4, 1)
    getattr(circuit, gate)(t[0] - 2 * t[1], *range(1 if gate in ONE else 2))
    circuit.h(0)
    circuit.rx(1.1, 1)
    rows = np.array([[0.7, 0.2], [2.0, 0.3], [-1.3, 0.9]])
    observable = SparseObservable.from_list([("ZI", 0.6), ("IZ", 0.4)])
    workload = Workload(circuit, observable, rows, "rotation")
    exact = open_backend("exact").run([workload])[0]
    found = open_backend("aer_ideal", shots=20_000, optimization_level=level).run([workload])[0]
    assert (np.abs(found.value - exact.value) < 5 * found.stderr).all()


@pytest.mark.parametrize("level", [0, 3])
def test_parameters_that_transpiling_drops_are_no_trouble(level):
    """RZ on |0> and before a measurement does nothing, and may go with its parameter."""
    t = ParameterVector("t", 3)
    circuit = QuantumCircuit(1)
    circuit.rz(t[0], 0)
    circuit.ry(t[1], 0)
    circuit.rz(t[2], 0)
    rows = np.array([[0.1, 0.7, 0.2], [0.3, 2.0, 0.3]])
    workload = Workload(circuit, SparseObservable("Z"), rows, "dropped")
    backend = open_backend(
        "aer_ideal", shots=4000, optimization_level=level, snapshot="fake:FakeManilaV2"
    )
    found = backend.run([workload])[0]
    np.testing.assert_allclose(found.value, np.cos(rows[:, 1]), atol=0.12)
