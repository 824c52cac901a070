"""What every circuit of the library keeps, found by discovery."""

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import SparseObservable, Statevector

from qrec.backends.exact.estimator import evaluate
from qrec.backends.exact.read.question import Question
from qrec.circuits import CIRCUITS, build_circuit
from qrec.errors import ConfigError


@pytest.fixture(params=CIRCUITS.names())
def circuit(request: pytest.FixtureRequest) -> QuantumCircuit:
    return build_circuit(request.param)


def test_is_named_after_its_module(request: pytest.FixtureRequest, circuit: QuantumCircuit) -> None:
    assert circuit.name == request.node.callspec.params["circuit"]


def test_holds_gates_alone(circuit: QuantumCircuit) -> None:
    assert circuit.num_clbits == 0
    assert not {"measure", "reset", "barrier"} & set(circuit.count_ops())


def test_building_twice_gives_the_same_circuit(
    request: pytest.FixtureRequest, circuit: QuantumCircuit
) -> None:
    again = build_circuit(request.node.callspec.params["circuit"])
    assert [str(p) for p in again.parameters] == [str(p) for p in circuit.parameters]
    assert again.count_ops() == circuit.count_ops()


def test_exact_engine_agrees_with_qiskits_state_vector(circuit: QuantumCircuit) -> None:
    rows = np.random.default_rng(1).normal(size=(2, circuit.num_parameters))
    qubits = range(circuit.num_qubits)
    observable = SparseObservable.from_sparse_list(
        [("Z", [q], 1.0 + q) for q in qubits], circuit.num_qubits
    )  # weights differ, so that a reversed order would show
    values = evaluate(Question(circuit, [observable]), rows)[:, 0]
    for row, value in zip(rows, values, strict=True):
        state = Statevector(circuit.assign_parameters(row))
        zs = [np.subtract(*state.probabilities([q])) for q in qubits]
        assert value == pytest.approx(np.dot(zs, 1.0 + np.arange(circuit.num_qubits)), abs=1e-10)


def test_transpiles_to_a_device_gate_set(circuit: QuantumCircuit) -> None:
    isa = transpile(circuit, basis_gates=["rz", "sx", "x", "cz"], optimization_level=1)
    assert set(isa.count_ops()) <= {"rz", "sx", "x", "cz"}


def test_an_unknown_name_names_the_near_one() -> None:
    with pytest.raises(ConfigError, match="swap_test"):
        build_circuit("swaptest")
