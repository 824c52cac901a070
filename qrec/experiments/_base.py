"""What every kind of experiment can do."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qiskit import QuantumCircuit

from qrec.analysis.figures import Figure
from qrec.analysis.table import Table
from qrec.backends.base import Backend
from qrec.config import ExperimentSpec
from qrec.runs.folder import RunFolder
from qrec.runs.progress import Report


@dataclass(frozen=True)
class Places:
    """Where files outside the run folder are looked for; None takes the usual places."""

    data_dir: Path | None = None
    backends_file: Path | None = None


@dataclass(frozen=True)
class Results:
    """What stands in a finished run: rows for machines, tables and figures for people."""

    rows: list[dict[str, Any]]
    tables: list[Table]
    figures: list[Figure]
    others: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # rows of other forms


class BaseExperiment(ABC):
    """One experiment: its spec, and what can be done with it.

    `execute` may be killed at any moment and called again; it leaves alone what is finished
    and ends with the same numbers. `results` reads the run folder only.
    """

    def __init__(self, spec: ExperimentSpec, places: Places) -> None:
        self.spec = spec
        self.places = places

    @abstractmethod
    def details(self) -> dict[str, Any]:
        """Return what else `record.json` must hold so that the run can be repeated."""

    def backends(self) -> dict[str, Backend]:
        """Return the backends that a run computes with, by the names its record gives them.

        A run records them, and the devices they stand for, when it begins.
        """
        return {}

    @abstractmethod
    def plan(self) -> Table:
        """Return what `execute` would do, having done none of it."""

    @abstractmethod
    def circuits(self) -> dict[str, QuantumCircuit]:
        """Return the logical circuits of the experiment by name."""

    @abstractmethod
    def execute(self, folder: RunFolder, report: Report) -> None:
        """Do what is not done yet."""

    @abstractmethod
    def results(self, folder: RunFolder) -> Results:
        """Return what a finished run found."""
