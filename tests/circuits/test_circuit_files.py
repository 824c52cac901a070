"""Circuits in files: what is read, and what is refused in one line."""

import pytest
from qiskit import QuantumCircuit, qasm2, qasm3, qpy

from qrec.circuits.files import read_circuits
from qrec.errors import ConfigError


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


@pytest.mark.parametrize("dumps", [qasm2.dumps, qasm3.dumps])
def test_both_versions_of_openqasm_are_told_by_their_header(tmp_path, dumps):
    path = tmp_path / "pair.qasm"
    path.write_text(f"// a comment\n\n{dumps(bell())}")
    [(name, circuit)] = read_circuits(path).items()
    assert name == circuit.name == "pair"
    assert dict(circuit.count_ops()) == {"measure": 2, "h": 1, "cx": 1}


def test_qpy_holds_any_number_of_circuits(tmp_path):
    path = tmp_path / "some.qpy"
    other = bell()
    other.name = "other"
    for circuits, names in (
        ([bell(), other], ["bell", "other"]),
        ([bell()] * 2, ["bell[0]", "bell[1]"]),
    ):
        with path.open("wb") as file:
            qpy.dump(circuits, file)
        assert list(read_circuits(path)) == names


def test_old_qpy_which_may_run_code_is_not_opened(tmp_path, monkeypatch):
    path = tmp_path / "old.qpy"
    with path.open("wb") as file:
        qpy.dump(bell(), file)
    content = bytearray(path.read_bytes())
    content[6] = 12
    path.write_bytes(content)
    monkeypatch.setattr(qpy, "load", lambda _: pytest.fail("was opened"))
    with pytest.raises(ConfigError, match=r"old\.qpy: QPY version 12; expected 13 or later"):
        read_circuits(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.qasm", b"OPENQASM 2.0;\nqreg q[2]\n", "not read as qasm"),
        ("a.qasm", b"OPENQASM 3.0;\nqubit[2 q;\n", "not read as qasm"),
        ("a.qasm", b"OPENQASM 4.0;\n", "OPENQASM 4; expected version 2 or 3"),
        ("a.qasm", b"\xff\xfe", "not read as qasm"),
        ("a.qasm", b'OPENQASM 2.0;\ninclude "gone.inc";\n', "not read as qasm"),
        ("a.qpy", b"import os", "found no header"),
        ("a.qpy", b"QISKIT\x0e", "not read as qpy"),
        ("a.qpy", b"", "found no header"),
    ],
)
def test_what_is_no_circuit_is_one_line(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        read_circuits(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.qasm: No such file"):
        read_circuits(tmp_path / "gone.qasm")
