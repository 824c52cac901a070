"""``qrec list``: what there is."""

import sys
from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from qrec.cli._shared import AsJson, BackendsFile, show_json, show_tables

Listed = list[dict[str, str]]
_WIDE = 1000  # columns, in a pipe


class Kind(StrEnum):
    """What can be listed."""

    DATASETS = "datasets"
    RECOMMENDERS = "recommenders"
    CIRCUITS = "circuits"
    METRICS = "metrics"
    BACKENDS = "backends"
    EXPERIMENTS = "experiments"
    DEVICES = "devices"
    RUNS = "runs"


def listing(
    kind: Annotated[Kind, typer.Argument()], as_json: AsJson = False, backends: BackendsFile = None
) -> None:
    """List data sets, recommenders, circuits, metrics, backends, experiments, runs, or devices.

    Devices are those of your account of IBM Quantum, the shortest queue first.
    """
    if kind is Kind.RUNS:
        _show_runs(as_json)
        return
    functions: dict[Kind, Callable[[], Listed]] = {
        Kind.DATASETS: _datasets,
        Kind.RECOMMENDERS: _recommenders,
        Kind.CIRCUITS: _circuits,
        Kind.METRICS: _metrics,
        Kind.BACKENDS: lambda: _backends(backends),
        Kind.EXPERIMENTS: _experiments,
        Kind.DEVICES: _devices,
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

    modules = {name: CIRCUITS.find(name).__module__ for name in CIRCUITS.names()}
    return [{"name": name, "description": _summary(module)} for name, module in modules.items()]


def _backends(file: Path | None) -> Listed:
    from qrec.backends.open import backend_names, backend_spec, names_code

    rows = []
    for name in backend_names(file):
        if names_code(name, file, listing=True):
            note = "its kind is code beside ./backends.yaml: say --backends FILE"
            rows.append({"name": name, "kind": "-", "settings": note})
            continue
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


def _devices() -> Listed:
    from qrec.backends.kinds.ibm import devices

    return [
        {
            "name": device.name,
            "status": device.status,
            "qubits": str(device.qubits),
            "pending": str(device.pending_jobs),
        }
        for device in devices()
    ]


def _metrics() -> Listed:
    from qrec.metrics import METRICS, PROTOCOL
    from qrec.metrics.catalogue import CATALOGUE_METRICS
    from qrec.metrics.catalogue import PROTOCOL as CATALOGUE

    found = [
        (f"{name}@10" if METRICS.find(name).has_cutoff else name, PROTOCOL, METRICS.find(name))
        for name in METRICS.names()
    ]
    found += [
        (f"{name}@10", CATALOGUE, CATALOGUE_METRICS.find(name))
        for name in CATALOGUE_METRICS.names()
    ]
    return [
        {"name": name, "protocol": protocol, "description": _summary(metric.compute.__module__)}
        for name, protocol, metric in found
    ]


def _show_runs(as_json: bool) -> None:
    """Print the runs; where no terminal reads them, one line for each, however wide."""
    from qrec.analysis.table import Table, to_text
    from qrec.runs.summary import summaries

    rows = summaries()
    if as_json:
        show_json({"rows": [row.as_dict() for row in rows]})
        return
    body = []
    for row in rows:
        best = "-" if row.best_rmse is None else f"{row.best} {row.best_rmse:.4f}"
        known = [row.experiment or "-", row.dataset or "-", ", ".join(row.backends) or "-"]
        body.append([row.run, *known, best, row.state])
    columns = ["run", "experiment", "data set", "backends", "best row", "state"]
    table = Table("runs", columns, body, n_text=len(columns))
    if sys.stdout.isatty():
        show_tables([table])
    else:
        print(to_text(table, width=_WIDE), end="")


def _summary(module: str) -> str:
    """Return the first line of a module's text."""
    return (import_module(module).__doc__ or "").partition("\n")[0]
