"""Work in pieces gives what work at once gives, and what is stored comes back."""

from dataclasses import replace

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparseObservable

from qrec.backends import open_backend
from qrec.backends.readings import read
from qrec.backends.workload import Workload
from qrec.runs.execute import add_circuits, read_circuits, read_raws, write_raws


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


def test_raw_results_come_back_as_they_were(tmp_path):
    raws = [{"bits": np.arange(6, dtype=np.uint8)}, {"value": np.ones(2), "stderr": np.zeros(2)}]
    write_raws(tmp_path / "raw.npz", raws)
    for raw, back in zip(raws, read_raws(tmp_path / "raw.npz"), strict=True):
        assert raw.keys() == back.keys()
        assert all(np.array_equal(raw[name], back[name]) for name in raw)


def test_circuits_gather_in_one_file(tmp_path):
    path, circuit = tmp_path / "circuits.qpy", rotations(1).circuit
    add_circuits(path, {"a/logical": circuit})
    add_circuits(path, {"b/logical": circuit, "a/logical": circuit})
    found = read_circuits(path)
    assert list(found) == ["a/logical", "b/logical"]
    assert found["b/logical"].count_ops() == circuit.count_ops()
