"""The costs as tables for a reader."""

from collections.abc import Sequence

import qiskit

from qrec.analysis.count.rows import CircuitCost
from qrec.analysis.table import Column, Table, build_table


def count_tables(rows: Sequence[CircuitCost]) -> list[Table]:
    """Return the table of costs, and that of the gates by name."""
    sizes = dict.fromkeys(key for row in rows for key in row.size)
    keys = [_CIRCUIT, *(_size(key) for key in sizes), _TARGET]
    if any(row.rank for row in rows):
        keys.append(_SEED)
    figures = [c for c in _FIGURES if any(c.value(row) is not None for row in rows)]
    by_name = Column[CircuitCost]("gates", lambda row: " ".join(_counted(row)))
    return [
        build_table("Cost of circuits", [*keys, *figures], rows, _notes(rows)),
        build_table("Gates of these circuits", [*keys, by_name], rows),
    ]


def _counted(row: CircuitCost) -> list[str]:
    return [f"{gate}:{n}" for gate, n in row.gates.items()]


def _notes(rows: Sequence[CircuitCost]) -> list[str]:
    notes = [
        f"Qiskit {qiskit.__version__}. logical: as written; lowered: to u and cx, all qubits "
        "connected; the others (isa): transpiled to this target.",
        *dict.fromkeys(_how(row) for row in rows if row.stage == "isa"),
        "Depths count layers of gates, 2q depth of gates on two or more qubits. read: qubits read "
        "out, all of them where the circuit measures none.",
    ]
    if any(row.duration is not None for row in rows):
        notes.append("us: microseconds until the last read-out ends, by the longest path.")
    if any(row.success_probability is not None for row in rows):
        notes.append(
            "ESP: expected success probability, the product of (1 - error) of gates and "
            "read-outs; 1-(1-ESP)^2: expected R^2 of the outcome probabilities."
        )
    if any(row.rank for row in rows):
        notes.append("Seeds are ordered by ESP, else by two-qubit gates, then depth.")
    if any(row.qpu_seconds is not None for row in rows):
        notes.append(
            "QPU s: of the shots, pauses between them included; a job begins with 2 s more."
        )
    for precision in {row.precision for row in rows if row.precision is not None}:
        notes.append(
            f"T, T depth: in Clifford gates and T, each rotation to {precision:.0e} "
            "(arXiv:1403.2975), free angles drawn."
        )
    return notes


def _how(row: CircuitCost) -> str:
    if row.level is None:
        return f"{row.target}: circuits run as they are."
    seed = "" if row.rank else f", seed {row.seed}"
    date = f", calibrated {row.calibrated}" if row.calibrated else ""
    return f"{row.target}: level {row.level}{seed}{date}."


def _size(key: str) -> Column[CircuitCost]:
    return Column(key.rpartition(".")[2], lambda row: row.size[key], text=True)


_CIRCUIT = Column[CircuitCost]("circuit", lambda row: row.circuit, text=True)
_TARGET = Column[CircuitCost]("stage", lambda row: row.target or row.stage, text=True)
_SEED = Column[CircuitCost]("seed", lambda row: row.rank and f"{row.rank} ({row.seed})", text=True)
_FIGURES: list[Column[CircuitCost]] = [
    Column("qubits", lambda row: row.qubits),
    Column("2q gates", lambda row: row.two_qubit_gates),
    Column("2q depth", lambda row: row.two_qubit_depth),
    Column("depth", lambda row: row.depth),
    Column("1q gates", lambda row: row.one_qubit_gates),
    Column(">2q gates", lambda row: row.more_qubit_gates),
    Column("read", lambda row: row.measurements),
    Column("us", lambda row: row.duration and 1e6 * row.duration, "{:.2f}"),
    Column("ESP", lambda row: row.success_probability, "{:.3f}"),
    Column("1-(1-ESP)^2", lambda row: row.expected_r2, "{:.3f}"),
    Column("QPU s", lambda row: row.qpu_seconds, "{:.3f}"),
    Column("T", lambda row: row.t_count),
    Column("T depth", lambda row: row.t_depth),
]
