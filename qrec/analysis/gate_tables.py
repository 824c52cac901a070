"""The gate tables of arXiv:2310.19504, counted on our circuits and on transpiled ones.

Counts are of circuits without measurements, with input i = 0 and unbound angles.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.transpiler import Target, generate_preset_pass_manager

from qrec.circuits import bell_projection
from qrec.circuits.cheap_hadamard import cheap_hadamard
from qrec.circuits.modified_objective import modified_objective
from qrec.circuits.original_objective import original_objective
from qrec.config import read_yaml

PUBLISHED = Path(__file__).with_name("published_gate_tables.yaml")

_FORMS: dict[str, Callable[[ArrayLike, int], QuantumCircuit]] = {
    "original_objective": original_objective,
    "cheap_hadamard": cheap_hadamard,
    "modified_objective": modified_objective,
    "bell_projection": partial(modified_objective, encode=bell_projection.encode),
}
_CHEAPER = {"original_objective": "cheap_hadamard", "modified_objective": "bell_projection"}


@dataclass(frozen=True)
class Counts:
    """What a circuit costs: every gate counts 1, idle qubits count nothing."""

    qubits: int
    depth: int
    two_qubit_depth: int  # over the gates on two or more qubits
    gates: dict[str, int]


@dataclass(frozen=True)
class GateRow:
    """One circuit of a table, as built (stage "paper") or transpiled to `target` ("isa").

    `published` holds the printed depth and gates, `matches` whether ours are the same; both
    are None where nothing was printed.
    """

    table: str
    n: int
    layers: int
    form: str
    stage: str
    target: str | None
    qubits: int
    depth: int
    two_qubit_depth: int
    gates: dict[str, int]
    published: dict[str, Any] | None
    matches: bool | None


def count_gates(circuit: QuantumCircuit) -> Counts:
    """Count the gates and the depth of a circuit without measurements."""
    return Counts(
        qubits=len({qubit for instruction in circuit.data for qubit in instruction.qubits}),
        depth=circuit.depth(),
        two_qubit_depth=circuit.depth(lambda instruction: len(instruction.qubits) > 1),
        gates=dict(circuit.count_ops()),
    )


def table_size(n_targets: int) -> int:
    """Return how many rows `table_rows` gives for so many targets."""
    return len(_published_rows()) * (1 + 2 * n_targets)


def table_rows(
    targets: Mapping[str, Target], optimization_level: int, seed_transpiler: int
) -> Iterator[GateRow]:
    """Count every printed circuit, then each and its cheaper form transpiled to each target.

    Rows come one by one, as transpiling takes its time. `optimization_level` and
    `seed_transpiler` are Qiskit's.
    """
    for table, form, n, layers, published in _published_rows():
        counts = count_gates(_build(form, n, layers))
        matches = {"depth": counts.depth, "gates": counts.gates} == published
        yield GateRow(
            table,
            n,
            layers,
            form,
            "paper",
            None,
            **vars(counts),
            published=published,
            matches=matches,
        )
    for name, target in targets.items():
        transpiler = generate_preset_pass_manager(
            optimization_level, target=target, seed_transpiler=seed_transpiler
        )
        for table, form, n, layers, _ in _published_rows():
            for each in (form, _CHEAPER[form]):
                counts = count_gates(transpiler.run(_build(each, n, layers)))
                yield GateRow(
                    table,
                    n,
                    layers,
                    each,
                    "isa",
                    name,
                    **vars(counts),
                    published=None,
                    matches=None,
                )


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
