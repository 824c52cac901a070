"""Executing in slices gives what executing at once gives, and what is stored comes back."""

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparseObservable

from qrec.backends import open_backend
from qrec.backends.readings import read
from qrec.backends.workload import Workload
from qrec.runs.execute import add_circuits, execute, read_circuits, read_raws, write_raws


def rotations(n: int) -> Workload:
    circuit = QuantumCircuit(2, name="rotations")
    angles = ParameterVector("x", 2)
    circuit.ry(angles[0], 0)
    circuit.ry(angles[1], 1)
    circuit.cx(0, 1)
    zz = SparseObservable.from_label("ZI")
    return Workload(circuit, zz, np.random.default_rng(0).normal(size=(n, 2)), "key")


def test_slices_give_the_same_exact_values_in_order():
    backend, workload = open_backend("exact"), rotations(20_000)
    steps = []
    [raw] = execute(backend, backend.prepare([workload])[0], lambda *step: steps.append(step))
    [whole] = backend.run([workload])
    assert np.abs(read(workload, raw).value - whole.value).max() < 1e-12
    assert steps[-1] == (20_000, 20_000)
    assert len(steps) > 1, "long work must show where it is"


def test_slices_of_shots_are_independent_and_repeatable():
    backend, workload = open_backend("aer_ideal"), rotations(1)
    workload = Workload(workload.circuit, workload.observable, np.tile([[0.5, 0.9]], (130, 1)), "k")
    units, _ = backend.prepare([workload])
    first, again = (execute(backend, units, lambda *_: None)[0]["bits"] for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], first[64]), "two slices must not share a seed"


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
