from dataclasses import replace

import numpy as np
import pytest
from qiskit.transpiler import CouplingMap, PassManager, Target, generate_preset_pass_manager

from qrec.analysis import gate_tables
from qrec.analysis.gate_tables import as_tables, table_rows, table_size
from qrec.analysis.table import to_text

LINE = Target.from_configuration(["cx", "u"], 11, CouplingMap.from_line(11))


def transpiler(seed: int, level: int) -> PassManager:
    return generate_preset_pass_manager(level, target=LINE, seed_transpiler=seed)


def test_all_twenty_published_rows_match():
    rows = list(table_rows({}))
    assert [(row.table, row.n, row.layers) for row in rows if row.matches is not True] == []
    assert len(rows) == table_size(0) == 20
    assert all(row.qubits == 3 * row.n + (2 if row.table == "I" else 1) for row in rows)


def test_a_circuit_with_another_gate_does_not_match(monkeypatch):
    def padded(matrix, n_layers):
        circuit = original(matrix, n_layers)
        circuit.t(0)
        return circuit

    original = gate_tables._FORMS["modified_objective"]
    monkeypatch.setitem(gate_tables._FORMS, "modified_objective", padded)
    rows = list(table_rows({}))
    assert all(row.matches == (row.table == "I") for row in rows)


def test_transpiled_rows_hold_both_forms_in_the_gates_of_the_target(monkeypatch):
    published = [row for row in gate_tables._published_rows() if row[2] < 3]
    monkeypatch.setattr(gate_tables, "_published_rows", lambda: published)
    rows = list(table_rows({"line": transpiler(0, 1)}))
    assert len(rows) == table_size(1)
    isa = [row for row in rows if row.stage == "isa"]
    assert {row.form for row in isa} == set(gate_tables._FORMS)
    assert all(row.target == "line" and set(row.gates) <= {"cx", "u"} for row in isa)
    assert all(row.matches is None and row.published is None for row in isa)
    cost = {(row.form, row.n, row.layers): row.gates["cx"] for row in isa}
    for (form, n, layers), cx in cost.items():
        if form in gate_tables._CHEAPER:
            assert cost[gate_tables._CHEAPER[form], n, layers] < cx


@pytest.mark.slow
def test_bell_projection_saves_about_a_fifth_of_the_two_qubit_gates_on_a_line():
    means = []
    for form in ("modified_objective", "bell_projection"):
        circuit = gate_tables._build(form, n=3, layers=4)
        means.append(
            np.mean([transpiler(seed, 2).run(circuit).count_ops()["cx"] for seed in range(8)])
        )
    assert 0.15 < 1 - means[1] / means[0] < 0.3


def test_tables_say_whether_each_row_matches():
    rows = list(table_rows({}))
    text = [to_text(table) for table in as_tables(rows)]
    assert all("10 of 10 rows match" in table for table in text)
    assert all(len(line) <= 80 for table in text for line in table.splitlines())
    wrong = [replace(row, matches=False) for row in rows]
    assert "NO" in to_text(as_tables(wrong)[0])
