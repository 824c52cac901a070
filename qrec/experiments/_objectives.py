"""The variational SVD's objectives in a comparison: trained by linear algebra, then measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qrec.analysis.table import Table, number
from qrec.backends.readings import read
from qrec.backends.workload import Workload
from qrec.experiments._asking import gate_counts, stored_results
from qrec.experiments._entries import ObjectiveEntry
from qrec.runs.files import write_arrays
from qrec.runs.folder import RunFolder
from qrec.seeds import child_seed
from qrec.svd import VariationalSVD
from qrec.svd.measured import Probe, objective_probes
from qrec.svd.objectives import Score

Row = dict[str, Any]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class ObjectiveTask:
    """One circuit of an objective on a backend."""

    entry: ObjectiveEntry
    backend: str
    place: int  # among the circuits whose sum is the objective

    @property
    def name(self) -> str:
        return f"{self.entry.label}.{self.backend}.c{self.place}"


class Objectives:
    """The objectives of a comparison; see `ObjectiveEntry`."""

    def __init__(self, entries: Sequence[ObjectiveEntry], seed: int) -> None:
        self._entries, self._seed = entries, seed

    def tasks(self) -> list[ObjectiveTask]:
        """Return all tasks, in the order in which they are done."""
        return [task for of in self._groups() for task in of]

    def circuits(self) -> dict[str, QuantumCircuit]:
        """Return the logical circuits by name."""
        return {
            f"{entry.label}.c{place}": probe.circuit
            for entry in self._entries
            for place, probe in enumerate(self._probes[entry.label])
        }

    def workload(self, task: ObjectiveTask, folder: RunFolder) -> Workload:
        """Return what is evaluated: a circuit at the trained angles, again and again."""
        theta = np.tile(self._trained(task.entry, folder)["theta"], (task.entry.n_evaluations, 1))
        return self._probes[task.entry.label][task.place].workload(theta, task.name)

    def rows(self, folder: RunFolder) -> list[Row]:
        """Return the measured objectives beside their exact values, one row per backend."""
        return [self._row(tasks, folder) for tasks in self._groups()]

    def _groups(self) -> list[list[ObjectiveTask]]:
        """Return the tasks whose readings make one value."""
        return [
            [
                ObjectiveTask(entry, backend, place)
                for place in range(len(self._probes[entry.label]))
            ]
            for entry in self._entries
            for backend in entry.backends or ["exact"]
        ]

    def _row(self, tasks: list[ObjectiveTask], folder: RunFolder) -> Row:
        entry, value, variance = tasks[0].entry, 0.0, 0.0
        for task, probe in zip(tasks, self._probes[entry.label], strict=True):
            [raw] = stored_results(task.name, folder)
            reading = read(self.workload(task, folder), raw)
            value += probe.factor * float(reading.value.mean())
            variance += (
                float(((probe.factor * reading.stderr) ** 2).sum()) / len(reading.value) ** 2
            )
        shots = folder.record().details["backends"][tasks[0].backend]["spec"].get("shots")
        costs = [gate_counts(task.name, folder)["executed"] for task in tasks]
        return {
            "label": entry.label,
            "objective": entry.objective,
            "form": entry.form,
            "backend": tasks[0].backend,
            "circuits": len(tasks),
            "shots": None if shots is None else shots * entry.n_evaluations,
            "value": value,
            # Extrapolation to no noise may leave the error open.
            "stderr": variance**0.5 if np.isfinite(variance) else None,
            "exact": float(self._trained(entry, folder)["value"]),
            **{key: max(cost[key] for cost in costs) for key in ("qubits", "two_qubit_gates")},
        }

    def _trained(self, entry: ObjectiveEntry, folder: RunFolder) -> dict[str, Array]:
        """Return angles ``theta`` and the objective's ``value`` there; trained and stored once."""
        path = folder.model_path(f"{entry.label}.npz")
        if not path.is_file():
            model = VariationalSVD(
                entry.rank,
                entry.n_layers,
                entry.objective,
                random_state=child_seed(self._seed, "objective", entry.label),
            ).fit(self._matrix(entry))
            found = {"theta": model.theta_, "value": np.array(model.objective_)}
            write_arrays(path, found | {"matrix": self._matrix(entry)})
        with np.load(path) as stored:
            return dict(stored)

    @cached_property
    def _probes(self) -> dict[str, list[Probe]]:
        """The circuits by label; those of a label make one value."""
        return {
            entry.label: objective_probes(
                self._matrix(entry),
                entry.n_layers,
                Score(entry.objective, np.arange(entry.rank, 0, -1.0)),
                entry.form,
            )
            for entry in self._entries
        }

    def _matrix(self, entry: ObjectiveEntry) -> Array:
        """Return the matrix, the same for all entries of one size, its largest magnitude 1."""
        draw = np.random.default_rng(child_seed(self._seed, "matrix", entry.n_qubits))
        matrix = draw.uniform(-1.0, 1.0, (2**entry.n_qubits, 2**entry.n_qubits))
        return np.asarray(matrix / np.abs(matrix).max())


def objectives_table(rows: Sequence[Row]) -> Table:
    """Return measured objectives beside exact ones."""
    body = [
        [
            row["label"],
            row["backend"],
            number(row["shots"], 0),
            f"{row['value']:.3f}±{number(row['stderr'], 3)}",
            f"{row['exact']:.3f}",
            str(row["qubits"]),
            str(row["two_qubit_gates"]),
        ]
        for row in rows
    ]
    columns = ["objective", "backend", "shots", "measured", "exact", "qubits", "2q gates"]
    notes = [
        "Trained by linear algebra, then measured at the same angles; exact is the value without "
        "shots and noise. Shots, qubits and two-qubit gates are those of one circuit, the largest."
    ]
    return Table("Objectives of the variational SVD", columns, body, notes, n_text=2)
