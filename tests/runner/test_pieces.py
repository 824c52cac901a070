"""Work in pieces gives what work at once gives."""

from dataclasses import replace

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparseObservable

from qrec.backends import open_backend
from qrec.backends.readings import read
from qrec.backends.workload import Workload


def rotations(n: int) -> Workload:
    circuit = QuantumCircuit(2, name="rotations")
    angles = ParameterVector("x", 2)
    circuit.ry(angles[0], 0)
    circuit.ry(angles[1], 1)
    circuit.cx(0, 1)
    zz = SparseObservable.from_label("ZI")
    return Workload(circuit, zz, np.random.default_rng(0).normal(size=(n, 2)), "key")


def test_pieces_give_the_same_exact_values_in_order():
    backend, workload = open_backend("exact"), rotations(20_000)
    steps = []
    [reading] = backend.run([workload], lambda *step: steps.append(step))
    [raw] = [backend._execute(unit) for unit in backend.prepare([workload])]
    assert np.abs(reading.value - read(workload, raw).value).max() < 1e-12
    assert steps[-1] == (20_000, 20_000)
    assert len(steps) > 1, "long work must show where it is"


def test_pieces_of_shots_are_independent_and_repeatable():
    backend, workload = open_backend("aer_ideal"), rotations(1)
    same = np.tile([[0.5, 0.9]], (130, 1))
    units = backend.prepare([replace(workload, parameters=same, key="k")])
    first, again = (backend.answer(units)[0]["bits"] for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], first[64]), "two pieces must not share a seed"
