"""Executing planned workloads on a backend, slice by slice, and storing what came back."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from qiskit import QuantumCircuit, qpy

from qrec.backends.base import Backend, Raw, Unit, named_arrays, raws_of
from qrec.runs.files import write, write_arrays

Advance = Callable[[int, int], None]  # evaluations done, of how many


def execute(backend: Backend, units: Sequence[Unit], advance: Advance) -> list[Raw]:
    """Run prepared units and return the raw result of each, evaluations in order."""
    total = sum(len(unit.workload) for unit in units)
    done = 0
    raws = []
    for unit in units:
        parts = []
        for part in slices(unit, backend.limits.evaluations or len(unit.workload)):
            parts.append(backend.fetch(backend.submit(part, part.workload.key)))
            done += len(part.workload)
            advance(done, total)
        raws.append({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return raws


def slices(unit: Unit, size: int) -> list[Unit]:
    """Cut a unit into units of at most `size` evaluations, each with a key of its own."""
    return [rows_of(unit, start, start + size) for start in range(0, len(unit.workload), size)]


def rows_of(unit: Unit, start: int, stop: int) -> Unit:
    """Return a unit of the evaluations `start` to `stop`, with a key of its own."""
    workload = unit.workload
    rows, key = workload.parameters[start:stop], f"{workload.key}/{start}"
    return replace(unit, workload=replace(workload, parameters=rows, key=key))


def write_raws(path: Path, raws: Sequence[Raw]) -> None:
    """Store raw results as they came, in an NPZ file."""
    write_arrays(path, named_arrays(raws))


def read_raws(path: Path) -> list[Raw]:
    """Return what `write_raws` stored."""
    with np.load(path) as stored:
        return raws_of(stored)


def add_circuits(path: Path, circuits: dict[str, QuantumCircuit]) -> None:
    """Put circuits under their names into a QPY file, beside those that it holds already."""
    known = read_circuits(path) if path.is_file() else {}
    for name, circuit in circuits.items():
        known[name] = circuit.copy(name=name)
    write(path, lambda file: qpy.dump(list(known.values()), file))


def read_circuits(path: Path) -> dict[str, QuantumCircuit]:
    """Return the circuits of a QPY file by their names."""
    with path.open("rb") as file:
        return {circuit.name: circuit for circuit in qpy.load(file)}
