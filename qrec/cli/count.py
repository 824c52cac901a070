"""``qrec count``: what does the circuit cost?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from qrec.cli._shared import (
    AllowCode,
    AsJson,
    BackendsFile,
    DataDir,
    own_circuit,
    show_json,
    show_tables,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from qiskit import QuantumCircuit

    from qrec.backends.base import Backend
    from qrec.experiments.base import Places


GATE_TABLES = "gate_tables"
KP_RESOURCES = "kp_resources"


def count(
    what: Annotated[
        str, typer.Argument(metavar="EXP|CIRCUIT|MODULE:CIRCUIT|gate_tables|kp_resources")
    ],
    target: Annotated[
        list[str] | None,
        typer.Option("--target", help="A backend's name, or a snapshot such as fake:FakeTorino."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Count qubits, depth and gates of a circuit, or of an experiment's circuits.

    MODULE:CIRCUIT is one of your own, in MODULE.py in this folder: a `QuantumCircuit`, or a
    function that returns one. `gate_tables` counts those of the variational SVD beside the
    published numbers; `kp_resources` those of the quantum recommendation system at real sizes.
    """
    from qrec.analysis.count import count_rows, count_table
    from qrec.runner.run import make_places

    targets = [_target(name, backends) for name in target or []]
    if what == GATE_TABLES:
        _gate_tables(targets, as_json)
        return
    if what == KP_RESOURCES:
        _kp_resources(as_json)
        return
    places = make_places(data_dir, backends, allow_code)
    rows = count_rows(_circuits(what, places), targets)
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


def _kp_resources(as_json: bool) -> None:
    from qrec.analysis.kp_resources import SIZES, resource_rows, resource_table
    from qrec.runs.progress import progress

    rows = []
    with progress() as report:
        for done, size in enumerate(SIZES):
            report(f"svds of {size[0]} x {size[1]}", done, len(SIZES))
            rows += resource_rows(*size)
    if as_json:
        show_json({"rows": [row.as_dict() for row in rows]})
    else:
        show_tables([resource_table(rows)])


def _circuits(what: str, places: "Places") -> "dict[str, QuantumCircuit]":
    from qrec.circuits import CIRCUITS
    from qrec.registry import check_name, experiment_paths
    from qrec.runner.load import load

    if ":" in what or what in CIRCUITS.names():
        return {what: own_circuit(what, places.allow_code)}
    if not what.endswith((".yaml", ".yml")):
        known = [*CIRCUITS.names(), *experiment_paths(), GATE_TABLES, KP_RESOURCES]
        check_name(what, known, "circuit or experiment")
    return load(what, places=places).circuits()


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
