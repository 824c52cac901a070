"""``qrec count``: what does the circuit cost?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from qrec.cli._shared import AsJson, BackendsFile, DataDir, show_json, show_tables

if TYPE_CHECKING:
    from pathlib import Path

    from qiskit import QuantumCircuit

    from qrec.backends.base import Backend


def count(
    what: Annotated[str, typer.Argument(metavar="EXP|CIRCUIT")],
    target: Annotated[
        list[str] | None,
        typer.Option("--target", help="A backend's name, or fake:NAME such as fake:FakeTorino."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
) -> None:
    """Count qubits, depth and gates of a circuit, or of an experiment's circuits."""
    from qrec.analysis.count import count_rows

    targets = [_target(name, backends) for name in target or []]
    rows = count_rows(_circuits(what, data_dir, backends), targets)
    if as_json:
        show_json({"rows": rows})
    else:
        _show(rows)


def _circuits(
    what: str, data_dir: "Path | None", backends: "Path | None"
) -> "dict[str, QuantumCircuit]":
    from qrec.circuits import build_circuit, circuit_names
    from qrec.experiments import load_experiment
    from qrec.experiments._run import make_places
    from qrec.registry import check_name, experiment_paths

    if what in circuit_names():
        return {what: build_circuit(what)}
    if not what.endswith((".yaml", ".yml")):
        check_name(what, [*circuit_names(), *experiment_paths()], "circuit or experiment")
    return load_experiment(what, places=make_places(data_dir, backends)).circuits()


def _target(name: str, file: "Path | None") -> "Backend":
    from qrec.backends import open_backend

    if not name.startswith("fake:"):
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


def _show(rows: list[dict[str, Any]]) -> None:
    from qrec.analysis.table import Table

    keys = ["circuit", "target", "qubits", "depth", "two_qubit_depth", "two_qubit_gates"]
    body = [
        [str(row[key]) for key in keys]
        + [" ".join(f"{gate}:{n}" for gate, n in row["gates"].items())]
        for row in rows
    ]
    columns = ["circuit", "target", "qubits", "depth", "2q depth", "2q gates", "gates"]
    notes = [
        "logical: as written; u + cx: in these gates, all qubits connected; others: transpiled to "
        "the target. Measurements and barriers are left out."
    ]
    show_tables([Table("Cost of circuits", columns, body, notes, n_text=2)])
