"""``qrec list``: what there is."""

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
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
    from qrec.data.dataset import DATASETS, find_dataset

    return [
        {"name": name, "description": entry.description}
        for name in DATASETS.names()
        for entry in [find_dataset(name)]
    ]


def _recommenders() -> Listed:
    from qrec.recommenders import recommender_class, recommender_names

    modules = {name: recommender_class(name).__module__ for name in recommender_names()}
    return [{"name": name, "description": _summary(module)} for name, module in modules.items()]


def _circuits() -> Listed:
    from qrec.circuits import CIRCUITS

    return [{"name": n, "description": _summary(f"qrec.circuits.{n}")} for n in CIRCUITS.names()]


def _backends(file: Path | None) -> Listed:
    from qrec.backends.open import backend_names, backend_spec

    rows = []
    for name in backend_names(file):
        spec = backend_spec(name, file).model_dump(exclude_none=True)
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


def _summary(module: str) -> str:
    """Return the first line of a module's text."""
    return (import_module(module).__doc__ or "").partition("\n")[0]
