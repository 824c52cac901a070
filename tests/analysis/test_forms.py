"""Tables in other programs' forms."""

import csv
import io
import json
import re
import shutil
import subprocess

import pytest
from qiskit import QuantumCircuit

from qrec.analysis.count import count_rows, count_tables
from qrec.analysis.forms import to_csv, to_latex, to_markdown
from qrec.analysis.table import Table

EVIL = r"a_b & 50% #1 $x$ {y} ~z ^2 \input{secret} ±1"
TABLE = Table("Costs_of", ["na|me", "x^2"], [[EVIL, "1"], ["b|c", "2"]], ["a note & more"])


def rows():
    circuit = QuantumCircuit(2)
    circuit.cx(0, 1)
    return count_rows([("my_circuit", {"n": 1}, circuit)], [])


def test_markdown_has_a_line_for_each_row_and_no_cell_ends_early():
    lines = to_markdown([TABLE]).splitlines()
    assert lines[0] == "## Costs_of"
    table = [line for line in lines if line.startswith("|")]
    assert table[1] == "| --- | ---: |"
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in table] == [3] * 4
    assert lines[-1] == "a note & more"


def test_csv_holds_every_field_unrounded():
    [logical, lowered] = csv.DictReader(io.StringIO(to_csv(rows())))
    assert logical["circuit"] == "my_circuit"
    assert json.loads(logical["gates"]) == {"cx": 1}
    assert json.loads(lowered["size"]) == {"n": 1}
    assert (logical["t_count"], lowered["t_count"]) == ("0", "")
    assert set(logical) == set(rows()[0].as_dict())


def test_latex_is_a_whole_document_with_nothing_special_left():
    text = to_latex([TABLE, *count_tables(rows())])
    assert text.startswith(r"\documentclass")
    opened = re.findall(r"\\(begin|end)\{(\w+)\}", text)
    stack = []
    for what, name in opened:
        if what == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []
    assert r"\input" not in text
    for columns, body in re.findall(
        r"\\begin\{tabular\}\{([lr]+)\}(.*?)\\end\{tabular\}", text, re.DOTALL
    ):
        lines = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines} == {len(columns)}
        assert not re.search(r"(?<!\\)[_%#$]", body)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_latex_compiles_as_it_stands(tmp_path):
    (tmp_path / "t.tex").write_text(to_latex([TABLE, *count_tables(rows())]))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    done = subprocess.run([*command, "t.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert (tmp_path / "t.pdf").stat().st_size > 1000
