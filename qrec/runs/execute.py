"""Raw results and circuits on disk."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from qiskit import QuantumCircuit, qpy

from qrec.backends.base import Raw, named_arrays, raws_of
from qrec.runs.files import write, write_arrays


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
