"""Asking a backend what a task needs to know, once: what was sent and what came is kept."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from qrec.analysis.count import count, executed_circuit
from qrec.backends.base import Backend, Raw, Unit
from qrec.backends.workload import Workload
from qrec.errors import ConfigError
from qrec.runs.execute import add_circuits, read_circuits, read_raws, write_raws
from qrec.runs.files import write_json
from qrec.runs.folder import RunFolder


def raw_results(
    task: str,
    workloads: list[Workload],
    backend: Backend,
    folder: RunFolder,
    step: Callable[[str], None],
) -> list[Raw]:
    """Return what the backend gives for a task's workloads, or gave when it was last asked.

    Raises ConfigError for a backend that is paid by the second: its jobs are submitted.
    """
    if _raw_path(task, folder).is_file():
        return stored_results(task, folder)
    if backend.costs:
        raise ConfigError(
            f"backend {backend.name!r} is no free simulator: `qrec submit` shows what is sent, "
            "and asks first"
        )
    units = prepared(task, workloads, backend, folder)
    raws = backend.answer(units, lambda done, of: step(f"{task}: {done} of {of} evaluations"))
    store_results(task, raws, folder)
    return raws


def store_results(task: str, raws: list[Raw], folder: RunFolder) -> None:
    """Store what a backend gave for a task."""
    write_raws(_raw_path(task, folder), raws)


def stored_results(task: str, folder: RunFolder) -> list[Raw]:
    """Return what a backend gave for a finished task; none is needed."""
    return read_raws(_raw_path(task, folder))


def prepared(
    task: str, workloads: list[Workload], backend: Backend, folder: RunFolder
) -> list[Unit]:
    """Return what is sent; the circuits and their cost are stored once.

    Transpiled again on a device whose calibration has changed, a circuit could differ from
    the one that jobs in flight hold.
    """
    path = folder.path / "circuits.qpy"
    known = read_circuits(path) if path.is_file() else {}
    names = [f"{task}/{stage}" for stage in ("logical", "isa")]
    if all(name in known for name in names) and _gates_path(task, folder).is_file():
        logical, isa = (known[name] for name in names)
        return [Unit(replace(workload, circuit=logical), isa) for workload in workloads]
    units = backend.prepare(workloads)
    for unit in units:
        logical = unit.workload.circuit
        add_circuits(path, dict(zip(names, (logical, unit.circuit), strict=True)))
        costs = {"logical": count(logical), "executed": count(executed_circuit(backend, unit))}
        write_json(_gates_path(task, folder), costs)
    return units


def gate_counts(task: str, folder: RunFolder) -> dict[str, Any]:
    """Return what the circuit of a task costs, ``logical`` and ``executed``."""
    counts: dict[str, Any] = json.loads(_gates_path(task, folder).read_text())
    return counts


def _raw_path(task: str, folder: RunFolder) -> Path:
    return folder.path / "raw" / f"{task}.npz"


def _gates_path(task: str, folder: RunFolder) -> Path:
    return folder.path / "gates" / f"{task}.json"
