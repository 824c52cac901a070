"""`kind: vqsvd_device`: the variational SVD's objectives, measured at their maximum.

Each is trained by linear algebra; its circuits are then evaluated at the trained angles on every
backend, all of them in one question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from qiskit import QuantumCircuit

from qrec.analysis.figures import Figure
from qrec.analysis.forest import Line, Panel, draw_forest
from qrec.analysis.table import Column, Table, build_table, with_stderr
from qrec.backends import noiseless
from qrec.backends.base import Backend
from qrec.config import ExperimentSpec, Spec
from qrec.experiments.base import Ask, Experiment, Have, Size, Step
from qrec.experiments.labels import Label, check_labels
from qrec.experiments.vqsvd.sweep import Positive, check_rank, scaled_matrix
from qrec.runs.outcomes import Outcome
from qrec.seeds import child_seed
from qrec.svd import VariationalSVD
from qrec.svd.measured import Form, Probe, objective_probes
from qrec.svd.objectives import Criterion, Kind
from qrec.types import Array, Row, of_type

IDEAL = "exact"  # how a row without shots and noise is called where no backend is named


class ObjectiveEntry(Spec):
    """An objective of the variational SVD, see `qrec.svd.objectives.Criterion`, at its maximum.

    The matrix is 2^n x 2^n with entries uniform on [-1, 1], then divided by its largest
    magnitude; entries of equal `n_qubits` share it. The weights of the original objective are
    rank, ..., 2, 1. For `form` see `qrec.svd.measured.objective_probes`.
    """

    label: Label
    objective: Kind
    n_qubits: Annotated[int, Field(ge=1, le=6)] = 1
    n_layers: Positive = 1
    rank: Positive = 2
    form: Form = "published"

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_rank(self.rank, self.n_qubits, f"objectives.{self.label}: rank is")
        return self


class DeviceSpec(ExperimentSpec):
    """Objectives, and the backends that measure them; without any, values are exact."""

    kind: Literal["vqsvd_device"]
    objectives: Annotated[list[ObjectiveEntry], Field(min_length=1)]
    n_evaluations: Positive = 8  # of each circuit
    backends: list[Label] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_labels(entry.label for entry in self.objectives)
        return self

    def with_backends(self, names: list[str]) -> Self:
        """Return the same experiment on other backends."""
        return self.model_copy(update={"backends": names})


@dataclass(frozen=True, kw_only=True)
class DeviceRow(Row):
    """An objective as one backend measures it, beside its value at the same angles."""

    KEY: ClassVar[tuple[str, ...]] = ("label", "backend")
    VALUES: ClassVar[tuple[str, ...]] = ("value",)

    label: str
    objective: str
    form: str
    backend: str
    circuits: int
    shots: int | None  # of one circuit, all its evaluations together
    value: float
    stderr: float | None  # extrapolation to no noise may leave it open
    exact: float
    qubits: int  # of the largest circuit, as the next
    two_qubit_gates: int


class Device(Experiment):
    """See `DeviceSpec`."""

    Spec = DeviceSpec
    rows_of = (DeviceRow,)
    spec: DeviceSpec

    def steps(self) -> list[Step]:
        steps = []
        for entry in self.spec.objectives:
            trained = f"{entry.label}.fit"
            steps.append(Step(trained, partial(self._train, entry)))
            for name in self.spec.backends or [IDEAL]:
                measure = partial(self._measure, entry, name)
                steps.append(Step(f"{entry.label}.{name}", measure, (trained,)))
        return steps

    def backend_names(self) -> list[str]:
        return self.spec.backends

    def circuits(self) -> dict[str, QuantumCircuit]:
        return {
            f"{entry.label}.c{place}": probe.circuit
            for entry in self.spec.objectives
            for place, probe in enumerate(self._probes(entry))
        }

    def sizes(self) -> list[Size]:
        steps = (f"{e.label}.{name}" for e in self.spec.objectives for name in self.spec.backends)
        return [Size("n_evaluations", self.spec.n_evaluations, frozenset(steps))]

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        notes = [
            "Trained by linear algebra, then measured at the same angles; exact is the value "
            "without shots and noise. Shots, qubits and two-qubit gates are those of one circuit, "
            "the largest."
        ]
        title = "Objectives of the variational SVD"
        return [build_table(title, _COLUMNS, of_type(DeviceRow, rows), notes)]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        lines = [
            Line(
                f"{row.label} on {row.backend}", "quantum", row.value - row.exact,
                row.value - row.exact - 1.96 * (row.stderr or 0),
                row.value - row.exact + 1.96 * (row.stderr or 0),
            )
            for row in of_type(DeviceRow, rows)
        ]  # fmt: skip
        panel = Panel("measured objective minus exact", lines, hollow=True, unit="")
        caption = (
            "What shots and noise take from an objective: measured value minus that without "
            "them at the same angles, with 95 % intervals of the shots; left of zero the objective "
            "is lost."
        )
        return {"measured": Figure(caption, draw_forest([panel], np.inf, "{:+.2f}"))}

    def _train(self, entry: ObjectiveEntry, ask: Ask, have: Have) -> Outcome:
        matrix = self._matrix(entry)
        seed = child_seed(self.spec.seed, "objective", entry.label)
        model = VariationalSVD(entry.rank, entry.n_layers, entry.objective, random_state=seed)
        model.fit(matrix)
        value = np.array(model.objective_)
        return Outcome(arrays={"theta": model.theta_, "value": value, "matrix": matrix})

    def _measure(self, entry: ObjectiveEntry, name: str, ask: Ask, have: Have) -> Outcome:
        trained, probes = have[f"{entry.label}.fit"].arrays, self._probes(entry)
        theta = np.tile(trained["theta"], (self.spec.n_evaluations, 1))
        # The keys seed the shots.
        workloads = [
            probe.workload(theta, f"{entry.label}.{name}.c{place}")
            for place, probe in enumerate(probes)
        ]
        readings = ask(self._backend(name), workloads)
        value, variance = 0.0, 0.0
        for probe, reading in zip(probes, readings, strict=True):
            value += probe.factor * float(reading.value.mean())
            errors = probe.factor * reading.stderr
            variance += float((errors**2).sum()) / len(reading.value) ** 2
        shots = self._backend(name).shots
        costs = [cost["executed"] for cost in ask.costs]
        row = DeviceRow(
            label=entry.label,
            objective=entry.objective,
            form=entry.form,
            backend=name,
            circuits=len(probes),
            shots=None if shots is None else shots * self.spec.n_evaluations,
            value=value,
            stderr=variance**0.5 if np.isfinite(variance) else None,
            exact=float(trained["value"]),
            qubits=max(cost["qubits"] for cost in costs),
            two_qubit_gates=max(cost["two_qubit_gates"] for cost in costs),
        )
        return Outcome([row])

    def _backend(self, name: str) -> Backend:
        return self.backend(name) if self.spec.backends else noiseless()

    def _probes(self, entry: ObjectiveEntry) -> list[Probe]:
        """Return the circuits whose values together make the objective."""
        criterion = Criterion.of_rank(entry.objective, entry.rank)
        return objective_probes(self._matrix(entry), entry.n_layers, criterion, entry.form)

    def _matrix(self, entry: ObjectiveEntry) -> Array:
        return scaled_matrix(entry.n_qubits, child_seed(self.spec.seed, "matrix", entry.n_qubits))


_COLUMNS: list[Column[DeviceRow]] = [
    Column("objective", lambda row: row.label, text=True),
    Column("backend", lambda row: row.backend, text=True),
    Column("shots", lambda row: row.shots),
    Column("measured", lambda row: with_stderr(row.value, row.stderr, 3)),
    Column("exact", lambda row: row.exact, "{:.3f}"),
    Column("qubits", lambda row: row.qubits),
    Column("2q gates", lambda row: row.two_qubit_gates),
]

EXPERIMENT = Device
