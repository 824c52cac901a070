"""Counting what a circuit costs."""

import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator

from qrec.analysis.count import count, count_rows, count_table, lowered
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


def test_a_device_has_an_expected_fidelity_and_nothing_else_has():
    circuit = toffoli()
    circuit.remove_final_measurements()
    targets = [open_backend(name) for name in ("aer_noisy", "aer_ideal", "exact")]
    rows = {row.target: row for row in count_rows({"toffoli": circuit}, targets)}
    assert [name for name, row in rows.items() if row.fidelity is not None] == ["aer_noisy"]
    assert 0.5 < rows["aer_noisy"].fidelity < 1
    assert count_table(list(rows.values())).columns[-2:] == ["fidelity", "gates"]
    ideal = [row for row in rows.values() if row.fidelity is None]
    assert "fidelity" not in count_table(ideal).columns


def test_the_expected_fidelity_counts_all_qubits_read_out_where_they_end():
    target = open_backend("aer_noisy")
    idle = QuantumCircuit(2)
    [_, _, cost] = count_rows({"idle": idle}, [target])
    isa = target.pass_manager().run(idle)
    errors = [target.target["measure"][(q,)].error for q in isa.layout.final_index_layout()]
    success = (1 - errors[0]) * (1 - errors[1])
    assert cost.fidelity == pytest.approx(1 - (1 - success) ** 2)


def test_a_circuit_that_measures_is_read_out_where_it_says():
    target = open_backend("aer_noisy")
    one = QuantumCircuit(2, 1)
    one.measure(1, 0)
    [_, _, cost] = count_rows({"one": one}, [target])
    [measure] = target.pass_manager().run(one).get_instructions("measure")
    isa = target.pass_manager().run(one)
    error = target.target["measure"][(isa.find_bit(measure.qubits[0]).index,)].error
    assert cost.fidelity == pytest.approx(1 - error**2)
