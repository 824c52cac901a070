"""Experiments made of tasks that give rows: each is stored as it ends, and done once."""

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qrec.analysis.figures import Figure
from qrec.analysis.rows import write_csv
from qrec.analysis.table import Table
from qrec.experiments._base import BaseExperiment, Results
from qrec.runs.files import write, write_arrays
from qrec.runs.folder import RunFolder
from qrec.runs.progress import Report

Row = dict[str, Any]
Arrays = Mapping[str, NDArray[Any]]
Step = Callable[[str], None]  # told what a task is doing


@dataclass(frozen=True)
class Outcome:
    """What a task found: rows of the table of results, and arrays that figures need."""

    rows: list[Row]
    arrays: Arrays = field(default_factory=dict)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step."""
    write(path, lambda file: file.write(content))


class TaskExperiment(BaseExperiment):
    """Base of experiments whose tasks do not depend on each other.

    The rows of all tasks, in order, are `results.csv`; figures stand in `figures` as PNG.
    """

    @abstractmethod
    def tasks(self) -> list[str]:
        """Return the names of all tasks; they become file names."""

    @abstractmethod
    def compute(self, task: str, step: Step) -> Outcome:
        """Do a task."""

    @abstractmethod
    def tables(self, rows: list[Row]) -> list[Table]:
        """Return the tables that the rows of all tasks make."""

    @abstractmethod
    def figures(self, rows: list[Row], arrays: Mapping[str, Arrays]) -> dict[str, Figure]:
        """Return the figures by file name, from the rows and each task's arrays."""

    def details(self) -> dict[str, Any]:
        return {}

    def circuits(self) -> dict[str, QuantumCircuit]:
        return {}

    def plan(self) -> Table:
        title = f"{self.spec.name}: what would be done; nothing was"
        return Table(title, ["task"], [[task] for task in self.tasks()])

    def execute(self, folder: RunFolder, report: Report) -> None:
        for name, snapshot in folder.snapshots().items():
            self.backends()[name].pin(snapshot)
        tasks = self.tasks()
        for done, task in enumerate(tasks):
            path = folder.path / "samples" / f"{task}.npz"
            if path.is_file():
                continue

            def step(doing: str, task: str = task, done: int = done) -> None:
                report(f"{task}: {doing}", done, len(tasks))

            step("begun")
            outcome = self.compute(task, step)
            rows = np.array(json.dumps(outcome.rows, allow_nan=False))
            write_arrays(path, {**outcome.arrays, "rows": rows})
        rows_found, arrays = self._stored(folder)
        for name, figure in self.figures(rows_found, arrays).items():
            write_bytes(folder.path / "figures" / f"{name}.png", figure.png)
        write_csv(folder.results_path, rows_found)

    def results(self, folder: RunFolder) -> Results:
        rows, arrays = self._stored(folder)
        return Results(rows, self.tables(rows), list(self.figures(rows, arrays).values()))

    def _stored(self, folder: RunFolder) -> tuple[list[Row], dict[str, Arrays]]:
        rows: list[Row] = []
        arrays: dict[str, Arrays] = {}
        for task in self.tasks():
            with np.load(folder.path / "samples" / f"{task}.npz") as stored:
                content = dict(stored)
            rows += json.loads(str(content.pop("rows")))
            arrays[task] = content
        return rows, arrays
