"""Single lines whose loss would give a wrong number without a word."""

from types import SimpleNamespace

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Delay, Measure, ParameterVector
from qiskit.circuit.library import SXGate
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import InstructionProperties, QubitProperties, Target

from qrec.backends.base import Unit
from qrec.backends.device.target import ReadoutProperties
from qrec.backends.exact.estimator import evaluate
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.question import Question
from qrec.backends.sampled import bound_rows
from qrec.backends.workload import Workload
from qrec.errors import DataError
from qrec.experiments import observed


def test_columns_are_bound_to_the_parameters_that_transpiling_left():
    t = ParameterVector("t", 3)
    asked, left = QuantumCircuit(1), QuantumCircuit(1)
    for angle in t:
        asked.rx(angle, 0)
    left.rx(t[2] + t[1], 0)  # the first is gone, the others stand in another order
    workload = Workload(asked, SparseObservable("Z"), np.array([[0.1, 0.2, 0.3]]), "k")
    bound = bound_rows(Unit(workload, left))
    assert bound is not None
    [(names, rows)] = bound.items()
    assert dict(zip(names, rows[0], strict=True)) == {t[1]: 0.2, t[2]: 0.3}


@pytest.mark.parametrize("t2", [2e-4, 3e-4, 1e-3])
def test_t2_is_at_most_2_t1(t2):
    target = Target(num_qubits=1, dt=1e-9, qubit_properties=[QubitProperties(t1=1e-4, t2=t2)])
    relaxed = DeviceNoise(target).channel(Delay(5e-5, "s"), (0,))
    assert np.diag(relaxed) == pytest.approx([1, np.exp(-0.25), np.exp(-0.25), np.exp(-0.5)])


def test_an_experiment_takes_no_split_whose_parts_share_a_pair(monkeypatch):
    part = SimpleNamespace(user=np.array([0, 1]), item=np.array([2, 0]), n_items=3)
    shared = SimpleNamespace(train=part, validation=None, test=part, support=None, ratings=part)
    monkeypatch.setattr(observed, "split_ratings", lambda *_, **__: shared)
    asking = SimpleNamespace(places=SimpleNamespace(data_dir=None), ratings=None)
    with pytest.raises(DataError, match="2 pairs stand in both train and test"):
        observed.DatasetExperiment.split_by(asking, {"kind": "random"}, 0)


@pytest.mark.parametrize("always", [0, 1])
def test_a_qubit_that_reads_the_same_whatever_it_is_keeps_the_constant(always):
    """Some qubits of real devices are so: p(1|0) = 1 and p(0|1) = 0, or the other way."""
    properties = ReadoutProperties(None, 0.5, float(always), float(1 - always))
    target = Target(num_qubits=1, dt=1e-9)
    target.add_instruction(Measure(), {(0,): properties})
    target.add_instruction(SXGate(), {(0,): InstructionProperties(error=0.01)})
    noise = DeviceNoise(target)
    circuit = QuantumCircuit(1)
    circuit.sx(0)
    observable = SparseObservable.from_sparse_list([("", [], 1.5), ("Z", [0], 0.5)], 1)
    found = evaluate(Question(circuit, [observable], noise=noise), np.zeros((1, 0)))
    assert found[0, 0] == pytest.approx(1.5 + 0.5 * (1 - 2 * always), abs=1e-12)
