"""``qrec count``: what does the circuit cost?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from qrec.cli._shared import AsJson, BackendsFile, DataDir, show_json, show_tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from qiskit import QuantumCircuit

    from qrec.backends.base import Backend


GATE_TABLES = "gate_tables"


def count(
    what: Annotated[str, typer.Argument(metavar="EXP|CIRCUIT|gate_tables")],
    target: Annotated[
        list[str] | None,
        typer.Option("--target", help="A backend's name, or a snapshot such as fake:FakeTorino."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
) -> None:
    """Count qubits, depth and gates of a circuit, or of an experiment's circuits.

    `gate_tables` counts those of the variational SVD beside the published numbers.
    """
    from qrec.analysis.count import count_rows, count_table

    targets = [_target(name, backends) for name in target or []]
    if what == GATE_TABLES:
        _gate_tables(targets, as_json)
        return
    rows = count_rows(_circuits(what, data_dir, backends), targets)
    if as_json:
        show_json({"rows": [row.as_dict() for row in rows]})
    else:
        show_tables([count_table(rows)])


def _gate_tables(targets: "Sequence[Backend]", as_json: bool) -> None:
    from qrec.analysis.gate_tables import as_tables, table_rows, table_size
    from qrec.runs.progress import progress

    transpilers = {t.name: manager for t in targets if (manager := t.pass_manager()) is not None}
    rows = []
    with progress() as report:
        for row in table_rows(transpilers):
            rows.append(row)
            report(f"{row.form} n={row.n} L={row.layers}", len(rows), table_size(len(transpilers)))
    if as_json:
        show_json({"rows": [row.as_dict() for row in rows]})
    else:
        show_tables(as_tables(rows))


def _circuits(
    what: str, data_dir: "Path | None", backends: "Path | None"
) -> "dict[str, QuantumCircuit]":
    from qrec.circuits import CIRCUITS, build_circuit
    from qrec.registry import check_name, experiment_paths
    from qrec.runner.load import load
    from qrec.runner.run import make_places

    if what in CIRCUITS.names():
        return {what: build_circuit(what)}
    if not what.endswith((".yaml", ".yml")):
        known = [*CIRCUITS.names(), *experiment_paths(), GATE_TABLES]
        check_name(what, known, "circuit or experiment")
    return load(what, places=make_places(data_dir, backends)).circuits()


def _target(name: str, file: "Path | None") -> "Backend":
    from qrec.backends import open_backend

    if not name.startswith(("fake:", "file:", "live:")):
        return open_backend(name, file=file)
    fields: dict[str, Any] = {
        "kind": "aer",
        "name": name,
        "snapshot": name,
        "shots": 1,
        "seed_simulator": 0,
        "optimization_level": 3,
        "seed_transpiler": 0,
    }
    return open_backend(fields)
