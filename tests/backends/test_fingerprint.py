"""Circuits that differ in anything have different fingerprints, equal ones the same anywhere."""

import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import PauliGate, RXGate, StatePreparation, XGate

from qrec.backends.device.fingerprint import UnknownFormError, fingerprint

QUBITS = 4
angles = st.floats(-7, 7, allow_subnormal=False)
# Name of a gate, qubits, angle, and the parameter that is added to the angle, if any.
gates = st.tuples(
    st.sampled_from(["rx", "ry", "crx", "rzz"]),
    st.permutations(range(QUBITS)),
    angles,
    st.none() | st.integers(0, 2),
)


def build(ops, vector=None, phase=0.0):
    vector = vector or ParameterVector("t", 3)
    circuit = QuantumCircuit(QUBITS, global_phase=phase)
    for name, qubits, angle, which in ops:
        shift = angle if which is None else vector[which] * 0.5 + angle
        getattr(circuit, name)(shift, *qubits[: 1 if len(name) == 2 else 2])
    return circuit


@given(st.lists(gates, max_size=6), st.floats(0, 6))
def test_equal_circuits_are_equal_whoever_made_them(ops, phase):
    first = fingerprint(build(ops, phase=phase))
    assert first == fingerprint(build(ops, phase=phase))  # with parameters of another identity
    file = io.BytesIO()
    qpy.dump(build(ops, phase=phase), file)
    file.seek(0)
    assert first == fingerprint(qpy.load(file)[0])


@given(st.lists(gates, min_size=1, max_size=6), st.data())
def test_one_difference_is_enough(ops, data):
    place = data.draw(st.integers(0, len(ops) - 1))
    name, qubits, angle, which = ops[place]
    changes = {
        "angle": (name, qubits, float(np.nextafter(angle, 9)), which),
        "qubit": (name, [*qubits[1:], qubits[0]], angle, which),
        "gate": ("rz" if len(name) == 2 else "rxx", qubits, angle, which),
        "parameter": (name, qubits, angle, 0 if which is None else (which + 1) % 3),
    }
    changed = changes[data.draw(st.sampled_from(sorted(changes)))]
    circuit, other = build(ops), build([*ops[:place], changed, *ops[place + 1 :]])
    # In a sum with a parameter the last bit of an angle may be lost: then nothing has changed.
    assume(changed[:2] != (name, qubits) or _angle(other, place) != _angle(circuit, place))
    before = fingerprint(circuit)
    assert fingerprint(other) != before
    assert fingerprint(build(ops, phase=1e-12)) != before
    assert fingerprint(build([*ops, ops[place]])) != before


def _angle(circuit, place):
    return str(circuit.data[place].params[0])


@settings(max_examples=30)
@given(gates, gates)
def test_order_counts(one, other):
    assume(one[0] != other[0])
    assert fingerprint(build([one, other])) != fingerprint(build([other, one]))


def test_names_of_parameters_count_in_their_order():
    def circuit(first, second):
        out = QuantumCircuit(1)
        out.rx(Parameter(first), 0)
        out.ry(Parameter(second), 0)
        return fingerprint(out)

    assert len({circuit("a", "b"), circuit("b", "a"), circuit("a", "c")}) == 3


def boxed(inner):
    """Return a circuit with one gate that is called the same whatever is in it."""
    circuit = QuantumCircuit(1)
    gate = inner.to_gate()
    gate.name = "box"
    circuit.append(gate, [0])
    return circuit


def test_definitions_count():
    one, other, deeper = QuantumCircuit(1), QuantumCircuit(1), QuantumCircuit(1)
    one.rx(0.1, 0)
    other.rx(0.2, 0)
    deeper.append(boxed(one).data[0])
    found = {fingerprint(boxed(inner)) for inner in (one, other, deeper)}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (XGate().control(1, ctrl_state=0), XGate().control(1, ctrl_state=1)),
        (RXGate(0.1), RXGate(0.1, label="mine")),
        (PauliGate("XZ"), PauliGate("ZX")),
        (StatePreparation([0.6, 0.8]), StatePreparation([0.8, 0.6])),
        (StatePreparation([0.6, 0.8]), StatePreparation([0.6, 0.8]).inverse()),
    ],
    ids=str,
)
def test_what_a_gate_is_counts(one, other):
    def circuit(gate):
        out = QuantumCircuit(2)
        out.append(gate, range(gate.num_qubits))
        return fingerprint(out)

    assert circuit(one) != circuit(other)


def test_matrices_registers_bits_and_delays_count():
    rng = np.random.default_rng(0)
    turned, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    circuits = [QuantumCircuit(2, 2) for _ in range(6)]
    circuits[0].unitary(turned, [0, 1])
    circuits[1].unitary(-turned, [0, 1])
    circuits[2].measure(0, 0)
    circuits[3].measure(0, 1)
    circuits[4].delay(100, 0, unit="dt")
    circuits[5].delay(100, 0, unit="ns")
    circuits += [QuantumCircuit(2), QuantumCircuit(2, 1), QuantumCircuit(1, 2)]
    assert len({fingerprint(circuit) for circuit in circuits}) == len(circuits)


def test_control_flow_has_no_fingerprint():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with circuit.if_test((0, True)):
        circuit.x(0)
    with pytest.raises(UnknownFormError):
        fingerprint(circuit)


def test_another_process_finds_the_same():
    code = (
        "from qiskit import QuantumCircuit\nfrom qiskit.circuit import ParameterVector\n"
        "from qrec.backends.device.fingerprint import fingerprint\n"
        "c = QuantumCircuit(2, 1)\nt = ParameterVector('t', 2)\n"
        "c.ry(t[1] - 0.1 * t[0], 0)\nc.crx(0.3, 0, 1)\nc.measure(1, 0)\n"
        "print(fingerprint(c))"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    space: dict[str, object] = {"print": lambda text: space.update(found=text)}
    exec(code, space)
    assert ran.stdout.strip() == space["found"]


def test_a_gate_made_of_a_nameless_circuit_is_what_it_is_made_of():
    def nested(angle, name=None):
        inner, outer = QuantumCircuit(1, name=name), QuantumCircuit(2)
        inner.rx(angle, 0)
        outer.append(inner.to_gate().control(1), [0, 1])
        return outer

    assert fingerprint(nested(0.3)) == fingerprint(nested(0.3))
    assert fingerprint(nested(0.3)) != fingerprint(nested(0.4))
    assert fingerprint(nested(0.3, "mine")) != fingerprint(nested(0.3, "other"))


def test_order_in_which_a_sum_is_written_counts_not():
    """Qiskit orders terms by where parameters lie in memory, or by chance."""

    def made():
        x, y = ParameterVector("x", 4), ParameterVector("y", 4)
        circuit = QuantumCircuit(1)
        circuit.p(sum(x) / 2 - sum(y) / 3, 0)
        return circuit

    several = [made() for _ in range(20)]
    assert len({fingerprint(circuit) for circuit in several}) == 1
    x, y = ParameterVector("x", 4), ParameterVector("y", 4)
    other = QuantumCircuit(1)
    other.p(sum(y) / 2 - sum(x) / 3, 0)
    assert fingerprint(other) != fingerprint(several[0])
