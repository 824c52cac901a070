"""Counting what a circuit costs."""

import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator

from qrec.analysis.count import count, count_rows, lowered
from qrec.backends import open_backend
from qrec.errors import ConfigError


def toffoli() -> QuantumCircuit:
    circuit = QuantumCircuit(4, 1)
    circuit.h(0)
    circuit.ccx(0, 1, 2)
    circuit.barrier()
    circuit.measure(2, 0)
    return circuit


def test_idle_qubits_barriers_and_measurements_are_not_counted():
    assert count(toffoli()) == {
        "qubits": 3,
        "depth": 2,
        "two_qubit_depth": 1,
        "two_qubit_gates": 1,
        "gates": {"ccx": 1, "h": 1},
    }


def test_lowered_circuit_is_the_same_in_gates_on_two_qubits():
    circuit = toffoli()
    circuit.remove_final_measurements()
    low = lowered(circuit)
    assert set(low.count_ops()) <= {"u", "cx"}
    assert Operator(low).equiv(Operator(circuit))
    assert count(low)["two_qubit_gates"] == 6, "the textbook Toffoli"


def test_device_target_costs_more_than_the_logical_circuit():
    rows = count_rows({"toffoli": toffoli()}, [open_backend("aer_noisy")])
    assert [row.target for row in rows] == ["logical", "u + cx", "aer_noisy"]
    assert rows[2].depth > rows[1].depth > rows[0].depth
    assert set(rows[2].gates) <= {"cz", "rz", "sx", "x"}


def test_exact_backend_runs_the_circuit_as_it_is():
    logical, _, exact = count_rows({"t": toffoli()}, [open_backend("exact")])
    assert exact.gates == logical.gates


def test_a_circuit_wider_than_its_target_is_one_line():
    settings = {"seed_simulator": 0, "optimization_level": 1, "seed_transpiler": 0}
    entry = {"kind": "aer", "snapshot": "fake:FakeManilaV2", "shots": 1, **settings}
    narrow = open_backend(entry)
    with pytest.raises(ConfigError, match="'wide' has 6 qubits, aer has 5"):
        count_rows({"wide": QuantumCircuit(6, name="wide")}, [narrow])
