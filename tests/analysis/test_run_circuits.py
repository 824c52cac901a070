"""The circuits of a run on its page."""

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter, ParameterVector
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qrec.analysis.circuit_drawing import draw_circuit
from qrec.analysis.count import count
from qrec.analysis.run_circuits import run_circuits


def texts(circuit):
    canvas, said = draw_circuit(circuit)
    return [text.get_text() for axes in canvas.axes for text in axes.texts], said


def lines(step, logical, isa, executed):
    stages = {"logical": logical, "isa": isa, "executed": executed}
    common = {"step": step, "backend": "device", "circuit": "c"}
    return [{**common, "stage": stage, **count(each)} for stage, each in stages.items()]


def bell(n_gates=1):
    circuit = QuantumCircuit(2)
    for _ in range(n_gates):
        circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def test_all_that_fits_is_drawn_and_nothing_is_said():
    u = ParameterVector("u", 2)
    circuit = QuantumCircuit(3, 1)
    circuit.h(0)
    circuit.ry(u[0], 1)
    circuit.rz(u[0] + 2 * u[1] + 1, 1)
    circuit.rx(1.5707963267948966, 2)
    circuit.cswap(0, 1, 2)
    circuit.measure(0, 0)
    drawn, said = texts(circuit)
    assert said == ""
    assert {"q0", "q1", "q2", "H", "Ry", "u[0]", "f(u)", "pi/2", "M"} <= {
        text.replace("π", "pi") for text in drawn
    }


def test_a_circuit_too_large_says_how_much_is_left_out():
    circuit = QuantumCircuit(20)
    for _ in range(100):
        circuit.x(0)
    circuit.cx(0, 18)
    circuit.x(18)
    drawn, said = texts(circuit)
    assert drawn.count("X") == 54
    assert said == (
        " Left out of the picture: 48 of 102 operations. Nothing acts on 18 other qubits."
    )
    wide = QuantumCircuit(20)
    wide.x(range(20))
    assert texts(wide)[1] == " Left out of the picture: 6 of 20 qubits and 6 of 20 operations."


def test_qubits_keep_their_numbers_on_the_device():
    isa = transpile(bell(), FakeManilaV2(), initial_layout=[3, 4], seed_transpiler=1)
    drawn, said = texts(isa)
    assert {"q3", "q4"} <= set(drawn)
    assert "Nothing acts on 3 other qubits." in said


@pytest.mark.parametrize("long", [Parameter("a" * 30), 1.23456789012345])
def test_parameters_are_short(long):
    circuit = QuantumCircuit(1)
    circuit.ry(long, 0)
    assert max(map(len, texts(circuit)[0])) <= 9


def test_circuits_of_the_same_cost_are_drawn_once_and_those_left_out_are_counted():
    stages = []
    for number in range(6):
        logical = bell(number + 1)
        stages += lines(f"a{number}", logical, logical, logical)
        stages += lines(f"b{number}", logical, logical, logical)
    found = run_circuits(stages, lambda *_: (bell(), bell()))
    assert list(found.figures) == ["circuit1", "circuit2", "circuit3", "circuit4"]
    assert found.left_out == 2
    logical = [row for row in found.gates.rows if row[2] == "logical"]
    assert [row[0] for row in logical] == [f"a{n}" for n in range(6)]
    assert logical[1][3:] == ["2", "1", "1", "3", "1 cx, 2 h"]


def test_a_transpiled_circuit_is_drawn_beside_the_logical_one():
    isa = transpile(bell(), FakeManilaV2(), seed_transpiler=1)
    found = run_circuits(lines("s", bell(), isa, isa), lambda *_: (bell(), isa))
    assert list(found.figures) == ["circuit1", "circuit1_isa"]
    assert "as device runs it" in found.figures["circuit1_isa"].caption
    assert [row[2] for row in found.gates.rows] == ["logical", "isa"]
