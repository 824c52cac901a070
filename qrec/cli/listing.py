"""``qrec list``: what there is."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from qrec.cli._shared import AsJson, BackendsFile, show_json, show_tables

Listed = list[dict[str, str]]


class Kind(StrEnum):
    """What can be listed."""

    DATASETS = "datasets"
    RECOMMENDERS = "recommenders"
    CIRCUITS = "circuits"
    BACKENDS = "backends"
    EXPERIMENTS = "experiments"
    RUNS = "runs"


def listing(
    kind: Annotated[Kind, typer.Argument()], as_json: AsJson = False, backends: BackendsFile = None
) -> None:
    """List data sets, recommenders, circuits, backends, experiments or runs."""
    functions: dict[Kind, Callable[[], Listed]] = {
        Kind.DATASETS: _datasets,
        Kind.RECOMMENDERS: _recommenders,
        Kind.CIRCUITS: _circuits,
        Kind.BACKENDS: lambda: _backends(backends),
        Kind.EXPERIMENTS: _experiments,
        Kind.RUNS: _runs,
    }
    rows = functions[kind]()
    if as_json:
        show_json({"rows": rows})
        return
    from qrec.analysis.table import Table

    columns = list(rows[0]) if rows else ["name"]
    show_tables([Table(kind, columns, [list(row.values()) for row in rows], n_text=len(columns))])


def _datasets() -> Listed:
    from qrec.data.dataset import datasets

    return [
        {"name": name, "description": entry.description}
        for name, entry in sorted(datasets().items())
    ]


def _recommenders() -> Listed:
    from qrec.recommenders import recommender_class, recommender_names

    return [
        {"name": name, "description": _first_line(recommender_class(name))}
        for name in recommender_names()
    ]


def _circuits() -> Listed:
    from importlib import import_module

    from qrec.circuits import circuit_names

    functions = {n: getattr(import_module(f"qrec.circuits.{n}"), n) for n in circuit_names()}
    return [{"name": name, "description": _first_line(f)} for name, f in functions.items()]


def _backends(file: Path | None) -> Listed:
    from qrec.backends import backend_names, open_backend

    rows = []
    for name in backend_names(file):
        spec = open_backend(name, file=file).spec.model_dump(exclude_none=True)
        settings = ", ".join(f"{k}={v}" for k, v in spec.items() if k not in ("name", "kind"))
        rows.append({"name": name, "kind": spec["kind"], "settings": settings})
    return rows


def _experiments() -> Listed:
    from qrec.config import read_yaml
    from qrec.registry import experiment_paths

    return [
        {"name": name, "title": str(read_yaml(path)["title"])}
        for name, path in experiment_paths().items()
    ]


def _runs() -> Listed:
    from qrec.runs.folder import find_run, run_ids

    rows = []
    for run in map(find_run, run_ids()):
        state = "finished" if run.finished else "not finished"
        rows.append({"run": run.id, "state": state, "title": str(run.spec()["title"])})
    return rows


def _first_line(documented: Callable[..., object]) -> str:
    return (documented.__doc__ or "").strip().partition("\n")[0]
