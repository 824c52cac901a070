"""The gate tables of arXiv:2310.19504, counted on our circuits and on transpiled ones.

Counts are of circuits without measurements, with input i = 0 and unbound angles.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qrec.analysis.count import count
from qrec.analysis.table import Column, Table, build_table
from qrec.circuits import bell_projection
from qrec.circuits.cheap_hadamard import cheap_hadamard
from qrec.circuits.modified_objective import modified_objective
from qrec.circuits.original_objective import original_objective
from qrec.config import read_yaml
from qrec.types import Row

PUBLISHED = Path(__file__).with_name("published_gate_tables.yaml")

_FORMS: dict[str, Callable[[ArrayLike, int], QuantumCircuit]] = {
    "original_objective": original_objective,
    "cheap_hadamard": cheap_hadamard,
    "modified_objective": modified_objective,
    "bell_projection": partial(modified_objective, encode=bell_projection.encode),
}
_CHEAPER = {"original_objective": "cheap_hadamard", "modified_objective": "bell_projection"}


class Transpiles(Protocol):
    """What brings circuits to a target, as a `PassManager` does."""

    def run(self, circuit: QuantumCircuit, /) -> QuantumCircuit: ...


@dataclass(frozen=True, kw_only=True)
class GateRow(Row):
    """One circuit of a table, as built (stage "paper") or transpiled to `target` ("isa").

    `published` holds the printed depth and gates, `matches` whether ours are the same; both
    are None where nothing was printed.
    """

    KEY: ClassVar[tuple[str, ...]] = ("table", "n", "layers", "form", "stage", "target")
    VALUES: ClassVar[tuple[str, ...]] = ("depth", "two_qubit_depth", "two_qubit_gates")

    table: str
    n: int
    layers: int
    form: str
    stage: str
    target: str | None
    qubits: int
    depth: int
    two_qubit_depth: int
    two_qubit_gates: int
    gates: dict[str, int]
    published: dict[str, Any] | None = None
    matches: bool | None = None


def table_size(n_targets: int) -> int:
    """Return how many rows `table_rows` gives for so many targets."""
    return len(_published_rows()) * (1 + 2 * n_targets)


def table_rows(transpilers: Mapping[str, Transpiles]) -> Iterator[GateRow]:
    """Count every printed circuit, then each and its cheaper form transpiled to each target.

    Rows come one by one, as transpiling takes its time. `transpilers` maps the targets' names
    to what brings circuits there.
    """
    for table, form, n, layers, published in _published_rows():
        cost = count(_build(form, n, layers))
        cost |= {"matches": {"depth": cost["depth"], "gates": cost["gates"]} == published}
        cost |= {"stage": "paper", "target": None, "published": published}
        yield GateRow(table=table, n=n, layers=layers, form=form, **cost)
    for target, transpiler in transpilers.items():
        for table, form, n, layers, _ in _published_rows():
            for each in (form, _CHEAPER[form]):
                cost = count(transpiler.run(_build(each, n, layers)))
                cost |= {"stage": "isa", "target": target}
                yield GateRow(table=table, n=n, layers=layers, form=each, **cost)


def as_tables(rows: Sequence[GateRow]) -> list[Table]:
    """Return the printed tables beside ours, then one table for each target."""
    names = dict.fromkeys(row.table for row in rows)
    tables = [
        _beside_print(name, [r for r in rows if r.published and r.table == name]) for name in names
    ]
    targets = dict.fromkeys(row.target for row in rows if row.target is not None)
    return tables + [_on_target(name, [r for r in rows if r.target == name]) for name in targets]


def _beside_print(name: str, rows: Sequence[GateRow]) -> Table:
    gates = list(_published(rows[0])["gates"])
    columns: list[Column[GateRow]] = [
        Column("n", lambda row: row.n),
        Column("L", lambda row: row.layers),
        Column("depth", lambda row: f"{row.depth} ({_published(row)['depth']})"),
        *(Column(gate, partial(_gate_cell, gate)) for gate in gates),
        Column("match", lambda row: "yes" if row.matches else "NO"),
    ]
    n_matching = sum(bool(row.matches) for row in rows)
    notes = [f"Ours (published); {n_matching} of {len(rows)} rows match."]
    return build_table(f"Table {name} of arXiv:2310.19504, {rows[0].form}", columns, rows, notes)


def _gate_cell(gate: str, row: GateRow) -> str:
    return f"{row.gates.get(gate, 0)} ({_published(row)['gates'][gate]})"


def _published(row: GateRow) -> dict[str, Any]:
    assert row.published is not None
    return row.published


def _on_target(name: str, rows: Sequence[GateRow]) -> Table:
    columns: list[Column[GateRow]] = [
        Column("form", lambda row: row.form, text=True),
        Column("n", lambda row: row.n),
        Column("L", lambda row: row.layers),
        Column("qubits", lambda row: row.qubits),
        Column("depth", lambda row: row.depth),
        Column("2q depth", lambda row: row.two_qubit_depth),
        Column("2q gates", lambda row: row.two_qubit_gates),
    ]
    return build_table(f"Transpiled to {name}", columns, rows)


def _build(form: str, n: int, layers: int) -> QuantumCircuit:
    # Any matrix without structure does: no count of the logical circuit depends on it.
    matrix = np.random.default_rng(0).uniform(-1, 1, (2**n, 2**n))
    return _FORMS[form](matrix, layers)


def _published_rows() -> list[tuple[str, str, int, int, dict[str, Any]]]:
    """Return table, form, n, layers and the printed depth and gates of every row."""
    rows = []
    for table, content in read_yaml(PUBLISHED).items():
        for numbers in content["rows"]:
            n, layers, depth, *gates = numbers
            named = dict(zip(content["columns"][3:], gates, strict=True))
            rows.append((table, content["form"], n, layers, {"depth": depth, "gates": named}))
    return rows
