"""`kind: kp_circuits`: what do the two circuits of the quantum recommendation system cost?

Phase estimation, as published (`qsve`), and the singular value transformation (`qsvt`) project the
rows of blocks of ratings: how near does what is measured come to the rows of the truncated SVD,
for how many gates, and what is left of it on a device?
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from qiskit import QuantumCircuit

from qrec.analysis.count import count, lowered
from qrec.analysis.figures import CIRCLE, DIAMOND, SQUARE, TRIANGLE, WEDGE, Figure, new_canvas
from qrec.analysis.table import Column, Table, build_table
from qrec.backends.workload import Workload
from qrec.circuits.encodings import vectors_to_angles
from qrec.circuits.parts.registers import projector
from qrec.errors import DataError
from qrec.experiments.base import Ask, Have, Step
from qrec.experiments.kp.blocks import BlockSpec, rating_block
from qrec.experiments.kp.projection import Block, Form, Problem
from qrec.experiments.observed import ObservedExperiment
from qrec.runs.outcomes import Outcome
from qrec.types import Array, Row, of_type

_STYLES = (CIRCLE, SQUARE, TRIANGLE, DIAMOND, WEDGE)
IDEAL = "ideal"  # in the place of a backend's name: linear algebra


class CircuitsSpec(BlockSpec):
    """Blocks of ratings, and the circuits that project their rows.

    The threshold is midway between the singular values `rank` and the next, and the gap of
    `qsvt` is what lies between. Without backends: linear algebra alone.
    """

    kind: Literal["kp_circuits"]
    problems: Annotated[list[Problem], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class CircuitRow(Row):
    """One circuit on one block, ideally or as a backend runs it; means over the block's users."""

    KEY: ClassVar[tuple[str, ...]] = ("n_users", "n_items", "rank", "form", "size", "backend")
    VALUES: ClassVar[tuple[str, ...]] = ("p_success", "tv")

    n_users: int
    n_items: int
    rank: int
    gap: float  # between the singular values, in units of the subnormalisation
    form: str
    size: int  # phase qubits of qsve, degree of qsvt
    backend: str
    shots: int | None
    qubits: int
    u_calls: int
    cx: int  # lowered to u and cx, or the two-qubit gates that the backend runs
    depth: int
    p_success: float
    p_white: float  # what white noise would give
    tv: float  # total variation distance from the truncated SVD's row
    tv_row: float  # the same of the row itself, unprojected
    tv_uniform: float


class KPCircuits(ObservedExperiment):
    """See `CircuitsSpec`."""

    Spec = CircuitsSpec
    rows_of = (CircuitRow,)
    spec: CircuitsSpec  # type: ignore[assignment]  # a data set, of which nothing is held out
    example: ClassVar[dict[str, Any]] = {
        "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
        "problems": [{"n_users": 2, "n_items": 4, "rank": 1, "phase_qubits": [2], "degrees": [2],
                      "measured": [2]}],
        "backends": ["cheap"], "first": 0,
    }  # fmt: skip

    def steps(self) -> list[Step]:
        steps = []
        for problem in self.spec.problems:
            ideal: list[tuple[Form, int]] = [("qsve", size) for size in problem.phase_qubits]
            ideal += [("qsvt", size) for size in problem.degrees]
            for form, size in ideal:
                steps.append(
                    Step(f"{problem.name}.{form}{size}", partial(self._ideal, problem, form, size))
                )
            for size in problem.measured:
                for name in self.spec.backends:
                    do = partial(self._measure, problem, size, name)
                    steps.append(Step(f"{problem.name}.qsvt{size}.{name}", do))
        return steps

    def backend_names(self) -> list[str]:
        return self.spec.backends

    def details(self) -> dict[str, Any]:
        return {"dataset": self.summary}

    def circuits(self) -> dict[str, QuantumCircuit]:
        found = {}
        for problem in self.spec.problems:
            block = self._block(problem)
            sizes: dict[Form, list[int]] = {"qsve": problem.phase_qubits, "qsvt": problem.degrees}
            for form, least in sizes.items():
                for size in least[:1]:
                    found[f"{problem.name}.{form}{size}"] = block.circuit(form, size)
        return found

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        notes = [
            "Block: users x items, rank (gap in units of |A|). Size: phase qubits of qsve, degree "
            "of qsvt; calls: of the block encoding or its inverse; CX, depth: in gates u and cx. "
            "P: probability of success; TV: total variation distance of what succeeds from the "
            "truncated SVD's row, means over the block's users."
        ]
        found = of_type(CircuitRow, rows)
        ideal = [row for row in found if row.backend == IDEAL]
        tables = [build_table(f"{self.spec.name}: {self.spec.title}", _COLUMNS, ideal, notes)]
        notes = [
            "2q, depth: as the device runs it. White: what white noise gives. Row: TV of the row "
            "itself, unprojected; uniform: of all items alike."
        ]
        measured = [row for row in found if row.backend != IDEAL]
        tables.append(build_table("qsvt on backends", _MEASURED, measured, notes))
        return [table for table in tables if table.rows]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        found = of_type(CircuitRow, rows)
        canvas = new_canvas(5.5, 3.6)
        axes = canvas.subplots()
        drawn = [each for each in self.spec.problems if each.phase_qubits or each.degrees]
        for problem, style in zip(drawn, cycle(_STYLES), strict=False):
            for form, dashes in (("qsvt", "-"), ("qsve", ":")):
                line = [
                    r for r in found if _of(r, problem) and (r.form, r.backend) == (form, IDEAL)
                ]
                x, y, label = [r.cx for r in line], [r.tv for r in line], f"{problem.name} {form}"
                axes.plot(x, y, style.marker + dashes, color=style.colour, label=label)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("CX")
        axes.set_ylabel("total variation distance")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
        caption = (
            "Total variation distance from the truncated SVD's row against two-qubit gates: the "
            "singular value transformation (lines) and phase estimation (dotted)."
        )
        return {"tv": Figure(caption, canvas)}

    def _ideal(self, problem: Problem, form: Form, size: int, ask: Ask, have: Have) -> Outcome:
        block = self._block(problem)
        ask.say("counting gates")
        cost = count(lowered(block.circuit(form, size)))
        found = block.probabilities(form, size)
        return Outcome([_row(block, form, size, found, cost, backend=IDEAL, shots=None)])

    def _measure(self, problem: Problem, size: int, name: str, ask: Ask, have: Have) -> Outcome:
        block, backend = self._block(problem), self.backend(name)
        circuit = block.circuit("qsvt", size)
        read = [projector(circuit, block.encoding.inputs, j) for j in range(problem.n_items)]
        key = f"{problem.name}.{size}.{name}"
        [reading] = ask(backend, [Workload(circuit, read, vectors_to_angles(block.rows), key)])
        cost = ask.costs[0]["executed"]
        found = np.maximum(reading.value, 0.0)
        return Outcome([_row(block, "qsvt", size, found, cost, backend=name, shots=backend.shots)])

    def _block(self, problem: Problem) -> Block:
        sides = problem.n_users, problem.n_items
        block = Block(problem, rating_block(self.ratings, self.spec.first, *sides))
        if np.linalg.matrix_rank(block.matrix) < problem.rank:
            raise DataError(
                f"problem {problem.name}: the block of the ratings has rank "
                f"{np.linalg.matrix_rank(block.matrix)}, expected {problem.rank} or more"
            )
        return block


def _row(
    block: Block, form: Form, size: int, found: Array, cost: dict[str, Any], **where: Any
) -> CircuitRow:
    problem, target = block.problem, block.target()
    n_inputs = len(block.encoding.inputs)
    qubits = len(block.encoding.circuit.qubits) + (1 if form == "qsvt" else size + 1)
    return CircuitRow(
        n_users=problem.n_users,
        n_items=problem.n_items,
        rank=problem.rank,
        gap=block.threshold[1],
        form=form,
        size=size,
        qubits=qubits,
        u_calls=size if form == "qsvt" else 4 * (2**size - 1),
        cx=cost["two_qubit_gates"],
        depth=cost["depth"],
        p_success=float(found.sum(axis=1).mean()),
        p_white=2.0 ** (n_inputs - qubits),
        tv=_distance(found, target),
        tv_row=_distance(block.rows**2, target),
        tv_uniform=_distance(np.ones_like(target), target),
        **where,
    )


def _distance(found: Array, target: Array) -> float:
    """Return the mean total variation distance of distributions given up to their sums.

    Rows of which nothing succeeded, or is to be found, are left out.
    """
    known = (found.sum(axis=1) > 0) & (target.sum(axis=1) > 0)
    one, other = (each[known] / each[known].sum(axis=1, keepdims=True) for each in (found, target))
    return float(np.abs(one - other).sum(axis=1).mean() / 2)


def _of(row: CircuitRow, problem: Problem) -> bool:
    sides = (problem.n_users, problem.n_items, problem.rank)
    return (row.n_users, row.n_items, row.rank) == sides


_COLUMNS: list[Column[CircuitRow]] = [
    Column(
        "block", lambda row: f"{row.n_users}x{row.n_items}, {row.rank} ({row.gap:.3f})", text=True
    ),
    Column("form", lambda row: row.form, text=True),
    Column("size", lambda row: row.size),
    Column("qubits", lambda row: row.qubits),
    Column("calls", lambda row: row.u_calls),
    Column("CX", lambda row: row.cx),
    Column("depth", lambda row: row.depth),
    Column("P", lambda row: row.p_success, "{:.3f}"),
    Column("TV", lambda row: row.tv, "{:.4f}"),
]
_MEASURED: list[Column[CircuitRow]] = [
    Column("block", lambda row: f"{row.n_users}x{row.n_items}, {row.rank}", text=True),
    Column("backend", lambda row: row.backend, text=True),
    Column("degree", lambda row: row.size),
    Column("2q", lambda row: row.cx),
    Column("depth", lambda row: row.depth),
    Column("P", lambda row: row.p_success, "{:.3f}"),
    Column("white", lambda row: row.p_white, "{:.3f}"),
    Column("TV", lambda row: row.tv, "{:.3f}"),
    Column("row", lambda row: row.tv_row, "{:.3f}"),
    Column("uniform", lambda row: row.tv_uniform, "{:.3f}"),
]

EXPERIMENT = KPCircuits
