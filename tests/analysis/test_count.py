"""Counting what a circuit costs, beside numbers worked out by hand."""

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import CZGate, Measure, RZGate, SXGate, XGate
from qiskit.quantum_info import Operator
from qiskit.transpiler import InstructionProperties, PassManager, Target

from qrec.analysis.count import CircuitCost, count, count_rows, count_tables, lowered
from qrec.analysis.count.clifford_t import clifford_t, t_count, t_depth
from qrec.analysis.count.growth import draw_growth
from qrec.analysis.count.places import BackendPlace, Place, lattice
from qrec.analysis.figures import to_svg
from qrec.analysis.table import to_text
from qrec.backends import open_backend
from qrec.errors import ConfigError


def toffoli() -> QuantumCircuit:
    circuit = QuantumCircuit(4, 1)
    circuit.h(0)
    circuit.ccx(0, 1, 2)
    circuit.barrier()
    circuit.measure(2, 0)
    return circuit


def cost(circuit: QuantumCircuit, place: Place, **asked: int) -> CircuitCost:
    return count_rows([("c", {}, circuit)], [place], **asked)[-1]


# Errors and durations in dt of 1 ns, all different, so that no two can be taken for each other.
ERRORS = {"sx": (0.01, 0.02, 0.03), "cz": (0.04, 0.05), "measure": (0.06, 0.07, 0.08)}
TIMES = {"sx": (30, 40, 50), "cz": (100, 110), "measure": (1000, 1200, 1400)}


class Hand(Place):
    """Three qubits on a line; circuits are ISA circuits already."""

    rep_delay = 1e-4

    def __init__(self) -> None:
        super().__init__("hand", 0, 7)

    def target(self, n_qubits: int) -> Target:
        target = Target(num_qubits=3, dt=1e-9)
        pairs = {"sx": [(0,), (1,), (2,)], "cz": [(0, 1), (1, 2)], "measure": [(0,), (1,), (2,)]}
        gates = {"sx": SXGate(), "cz": CZGate(), "measure": Measure()}
        for name, gate in gates.items():
            said = zip(pairs[name], TIMES[name], ERRORS[name], strict=True)
            target.add_instruction(
                gate, {at: InstructionProperties(1e-9 * t, e) for at, t, e in said}
            )
        free = {(q,): InstructionProperties(0.0, 0.0) for q in range(3)}
        target.add_instruction(RZGate(Parameter("a")), free)
        target.add_instruction(XGate(), dict.fromkeys(free))
        return target

    def transpiled(self, circuit: QuantumCircuit, seed: int | None) -> QuantumCircuit:
        return circuit


def hand_circuit() -> QuantumCircuit:
    """sx(0) and sx(1) side by side, cz(0, 1), rz(1), cz(1, 2), read qubits 0 and 2."""
    circuit = QuantumCircuit(3, 2)
    circuit.sx(0)
    circuit.sx(1)
    circuit.cz(0, 1)
    circuit.rz(0.3, 1)
    circuit.cz(1, 2)
    circuit.measure(0, 0)
    circuit.measure(2, 1)
    return circuit


def test_success_and_duration_are_those_worked_out_by_hand():
    row = cost(hand_circuit(), Hand(), shots=500)
    success = 0.99 * 0.98 * 0.96 * 0.95 * 0.94 * 0.92
    assert row.success_probability == pytest.approx(success)
    assert row.expected_r2 == pytest.approx(1 - (1 - success) ** 2)
    # sx(1) 40, cz 100, cz 110, then qubit 2 is read: 1400; qubit 0 is done at 140 + 1000.
    assert row.duration == pytest.approx(1650e-9)
    assert row.qpu_seconds == pytest.approx(500 * (1e-4 + 1650e-9))
    assert (row.measurements, row.level, row.seed) == (2, 0, 7)
    assert (row.one_qubit_gates, row.two_qubit_gates, row.more_qubit_gates) == (3, 2, 0)
    assert (row.depth, row.two_qubit_depth) == (4, 2)


def test_all_qubits_are_read_where_none_is_measured():
    circuit = hand_circuit()
    circuit.remove_final_measurements()
    row = cost(circuit, Hand())
    assert row.measurements == 3
    assert row.success_probability == pytest.approx(0.99 * 0.98 * 0.96 * 0.95 * 0.94 * 0.93 * 0.92)


def test_a_gate_whose_time_nobody_knows_leaves_the_duration_open():
    circuit = hand_circuit()
    circuit.x(2)
    row = cost(circuit, Hand(), shots=1)
    assert row.duration is None
    assert row.qpu_seconds is None
    assert row.success_probability is not None


def test_gates_are_told_by_their_width_and_depths_count_layers():
    circuit = QuantumCircuit(4, 1, global_phase=1)
    circuit.h(0)
    circuit.h(1)
    circuit.cx(0, 1)
    circuit.cx(2, 3)
    circuit.ccx(1, 2, 3)
    circuit.x(0)
    circuit.measure(0, 0)
    row = count_rows([("c", {}, circuit)], [])[0]
    assert (row.stage, row.target, row.level, row.seed) == ("logical", None, None, None)
    assert (row.one_qubit_gates, row.two_qubit_gates, row.more_qubit_gates) == (3, 2, 1)
    assert (row.depth, row.two_qubit_depth, row.measurements) == (3, 2, 1)


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


def test_known_t_counts():
    circuit = QuantumCircuit(3)
    circuit.h(0)
    assert t_count(clifford_t(circuit, 1e-10)) == 0
    circuit.t(0)
    circuit.rz(-math.pi / 4, 1)
    assert t_count(clifford_t(circuit, 1e-10)) == 2
    assert t_depth(clifford_t(circuit, 1e-10)) == 1
    circuit.ccx(0, 1, 2)
    assert t_count(clifford_t(circuit, 1e-10)) == 9


@pytest.mark.parametrize("precision", [1e-2, 1e-4, 1e-8])
def test_a_rotation_is_as_near_as_stated_by_about_3_log_t_gates(precision):
    circuit = QuantumCircuit(1)
    circuit.rz(0.3, 0)
    found = clifford_t(circuit, precision)
    difference = Operator(found).data - Operator(circuit).data
    assert np.linalg.norm(difference, 2) <= precision
    expected = 3 * math.log2(1 / precision)  # Ross and Selinger, up to a few
    assert abs(t_count(found) - expected) < 8
    row = count_rows([("c", {}, circuit)], [], precision=precision)[0]
    assert (row.t_count, row.precision) == (t_count(found), precision)


def test_free_angles_cost_what_any_angle_costs_and_the_same_each_time():
    circuit = QuantumCircuit(1)
    circuit.rz(Parameter("a"), 0)
    counts = {t_count(clifford_t(circuit, 1e-6)) for _ in range(2)}
    assert len(counts) == 1
    assert min(counts) > 40


def test_stages_stand_once_and_name_level_seed_and_calibration():
    rows = count_rows(
        [("t", {}, toffoli())], [BackendPlace(open_backend("aer_noisy")), lattice("line:cz")]
    )
    assert [(row.stage, row.target) for row in rows] == [
        ("logical", None),
        ("lowered", None),
        ("isa", "aer_noisy"),
        ("isa", "line:cz"),
    ]
    assert [(row.level, row.seed) for row in rows[2:]] == [(3, 7), (3, 0)]
    assert rows[2].depth > rows[1].depth > rows[0].depth
    assert set(rows[2].gates) <= {"cz", "rz", "sx", "x"}
    assert rows[2].calibrated is not None
    notes = " ".join(count_tables(rows)[0].notes)
    for said in ("Qiskit", "aer_noisy: level 3, seed 7, calibrated", "line:cz: level 3, seed 0"):
        assert said in notes


def test_exact_backend_runs_the_circuit_as_it_is():
    rows = count_rows([("t", {}, toffoli())], [BackendPlace(open_backend("exact"))], n_seeds=3)
    assert rows[-1].gates == rows[0].gates
    assert rows[-1].seed is None
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("name", "n_edges", "n_qubits"),
    [
        ("all-to-all:cz", 10, 5),
        ("line:cx", 4, 5),
        ("grid:cz", 7, 6),
        ("heavy-hex:ecr", 20, 19),
    ],
)
def test_lattices_have_as_many_qubits_as_a_circuit_needs(name, n_edges, n_qubits):
    gate = name.partition(":")[2]
    target = lattice(name).target(5)
    assert target.num_qubits == n_qubits
    assert len({frozenset(at) for at in target[gate]}) == n_edges
    circuit = QuantumCircuit(5)
    for qubit in range(4):
        circuit.cx(qubit, 4)
    row = cost(circuit, lattice(name))
    assert set(row.gates) <= {gate, "rz", "sx", "x"}
    assert row.duration is row.success_probability is None


@pytest.mark.parametrize("name", ["line:swap", "line", "grid:"])
def test_an_unknown_lattice_is_one_line(name):
    with pytest.raises(ConfigError, match="such as line:cz"):
        lattice(name)


class Seeded(Hand):
    """Seed s adds a gate of that many errors."""

    def transpiled(self, circuit: QuantumCircuit, seed: int | None) -> QuantumCircuit:
        longer = circuit.copy()
        for _ in range({7: 3, 8: 0, 9: 2, 10: 1}[seed or 0]):
            longer.sx(0)
        return longer


def test_best_median_and_worst_are_circuits_of_one_seed_each():
    circuit = QuantumCircuit(3)
    rows = count_rows([("c", {}, circuit)], [Seeded()], n_seeds=4)[2:]
    assert [(row.rank, row.seed) for row in rows] == [("best", 8), ("median", 9), ("worst", 7)]
    assert [row.one_qubit_gates for row in rows] == [0, 2, 3]
    assert "median (9)" in to_text(count_tables(rows)[0])


def test_where_no_errors_are_known_fewer_two_qubit_gates_are_better():
    circuit = QuantumCircuit(5)
    for first in range(5):
        for second in range(first):
            circuit.cp(0.1, first, second)
    rows = count_rows([("c", {}, circuit)], [lattice("line:cz")], n_seeds=3)[2:]
    gates = [row.two_qubit_gates for row in rows]
    assert gates == sorted(gates)
    assert {row.seed for row in rows} <= {0, 1, 2}


def test_seeds_of_a_backend_are_those_after_its_own():
    circuit = QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    backend = open_backend("aer_noisy")
    rows = count_rows([("c", {}, circuit)], [BackendPlace(backend)], n_seeds=2)[2:]
    assert {row.seed for row in rows} == {7, 8}
    place = BackendPlace(backend)
    manager = place._seeded(8).pass_manager()
    assert isinstance(manager, PassManager)
    assert place._seeded(8).pinned is backend.pinned


def test_a_circuit_wider_than_its_target_is_one_line():
    settings = {"seed_simulator": 0, "optimization_level": 1, "seed_transpiler": 0}
    entry = {"kind": "aer", "snapshot": "fake:FakeManilaV2", "shots": 1, **settings}
    narrow = BackendPlace(open_backend(entry))
    with pytest.raises(ConfigError, match="'wide' has 6 qubits, aer has 5"):
        cost(QuantumCircuit(6, name="wide"), narrow)


def test_control_flow_is_refused():
    circuit = QuantumCircuit(1, 1)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
    with pytest.raises(ConfigError, match="'c' holds 'if_else'"):
        count_rows([("c", {}, circuit)], [])


def test_the_success_counts_all_qubits_read_out_where_they_end():
    backend = open_backend("aer_noisy")
    idle = QuantumCircuit(2)
    row = cost(idle, BackendPlace(backend))
    isa = backend.pass_manager().run(idle)
    errors = [backend.target["measure"][(q,)].error for q in isa.layout.final_index_layout()]
    assert row.success_probability == pytest.approx((1 - errors[0]) * (1 - errors[1]))


def test_a_name_never_folds_and_tables_fit():
    name = "angle_net_report"
    rows = count_rows([(name, {"n_layers": 3}, toffoli())], [lattice("heavy-hex:cz")], n_seeds=2)
    for table in count_tables(rows):
        text = to_text(table, 80)
        assert max(map(len, text.splitlines())) <= 80
        blocks = text.count("circuit   ")
        assert text.count(name) == blocks * len(rows)
        assert text.count("heavy-hex:cz") >= blocks * 3


def test_growth_is_drawn_for_each_stage_with_the_seeds_as_bars():
    circuits = [(f"c{n}", {"n": n}, toffoli()) for n in (1, 2)]
    rows = count_rows([("c", size, c) for _, size, c in circuits], [Seeded()][:0])
    canvas = draw_growth(rows, "n")
    labels = [text.get_text() for text in canvas.legends[0].get_texts()]
    assert labels == ["c, logical", "c, lowered"]
    svg = to_svg(canvas).decode()
    assert "c, lowered" in svg
    assert to_svg(draw_growth(rows, "n")).decode() == svg
    ranked = count_rows([("c", {"n": 1}, QuantumCircuit(3))], [Seeded()], n_seeds=4)
    [success] = [a for a in draw_growth(ranked, "n").axes if "success" in a.get_ylabel()]
    [[(_, low), (_, high)]] = success.containers[0].lines[2][0].get_segments()
    assert (low, high) == pytest.approx(
        (ranked[-1].success_probability, ranked[2].success_probability)
    )
    with pytest.raises(ConfigError, match="no numbers"):
        draw_growth(count_rows([("c", {"n": "a"}, toffoli())], []), "n")
