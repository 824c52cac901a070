"""`kind: vqsvd_training`: what does a variational SVD reach that is trained by circuits?

Each start is a step of its own: what all starts ask in one iteration is asked together. Beside
training on the backends stands that by linear algebra, from the same starts with the same
optimiser, and what could be reached at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal, Self, cast

import numpy as np
from pydantic import Field, model_validator
from qiskit import QuantumCircuit

from qrec.analysis.figures import CIRCLE, Figure, small_multiples
from qrec.analysis.table import Column, Table, build_table, with_stderr
from qrec.backends.base import Backend
from qrec.backends.workload import Asked
from qrec.config import ExperimentSpec
from qrec.experiments.base import Ask, Experiment, Have, Size, Step
from qrec.experiments.labels import Label
from qrec.experiments.vqsvd.sweep import Positive, check_rank, mean_and_error, scaled_matrix
from qrec.runs.outcomes import Outcome
from qrec.seeds import child_seed
from qrec.svd import VariationalSVD
from qrec.svd.measured import Form, objective_probes
from qrec.svd.objectives import Criterion, ExactObjective, Kind
from qrec.svd.optimisers import Optimizer
from qrec.types import Array, Row, of_type

LINEAR_ALGEBRA = "algebra"  # in the place of a backend's name


class TrainingSpec(ExperimentSpec):
    """Objectives and optimisers, tried from the same starts on one matrix on every backend.

    The matrix is 2^n x 2^n with entries uniform on [-1, 1], then divided by its largest
    magnitude. `optimizers` are given with their numbers of iterations.
    """

    kind: Literal["vqsvd_training"]
    objectives: Annotated[list[Kind], Field(min_length=1)]
    optimizers: Annotated[dict[Optimizer, Positive], Field(min_length=1)]
    backends: list[Label] = Field(default_factory=list)  # without any: linear algebra alone
    n_qubits: Annotated[int, Field(ge=1, le=4)] = 1
    n_layers: Positive = 1
    rank: Positive = 1
    form: Form = "published"
    n_starts: Positive = 3

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_rank(self.rank, self.n_qubits)
        return self

    def with_backends(self, names: list[str]) -> Self:
        """Return the same experiment on other backends."""
        return self.model_copy(update={"backends": names})


@dataclass(frozen=True, kw_only=True)
class TrainingRow(Row):
    """What one start reached. Objectives are larger where better, errors mean squared ones."""

    KEY: ClassVar[tuple[str, ...]] = ("objective", "optimizer", "backend", "start")
    VALUES: ClassVar[tuple[str, ...]] = ("measured", "exact", "mse")

    objective: str
    optimizer: str
    backend: str | None  # None: by linear algebra
    shots: int | None
    start: int
    iterations: int
    measured: float  # objective at the trained angles, as the backend gives it
    exact: float  # the same without shots and noise
    highest: float  # the highest possible
    mse: float  # of the matrix put together from measured values and computed vectors
    optimum_mse: float  # Eckart and Young's
    circuits: int  # evaluated by the training and to read the values out


@dataclass(frozen=True)
class _Arm:
    """One way to train; `backend` is a name, or None for linear algebra."""

    objective: str
    optimizer: str
    backend: str | None

    def step(self, start: int) -> str:
        """Return the name of the step that trains from one start."""
        return f"{self.objective}.{self.optimizer}.{self.backend or LINEAR_ALGEBRA}.s{start}"


class Training(Experiment):
    """See `TrainingSpec`."""

    Spec = TrainingSpec
    rows_of = (TrainingRow,)
    spec: TrainingSpec

    def steps(self) -> list[Step]:
        return [
            Step(
                arm.step(start),
                partial(self._train, arm, start),
                most=partial(self._most, arm, start),
            )
            for arm in self._arms()
            for start in range(self.spec.n_starts)
        ]

    def backend_names(self) -> list[str]:
        return self.spec.backends

    def circuits(self) -> dict[str, QuantumCircuit]:
        spec = self.spec
        return {
            f"{kind}.c{place}": probe.circuit
            for kind in spec.objectives
            for place, probe in enumerate(
                objective_probes(self._matrix, spec.n_layers, self._criterion(kind), spec.form)
            )
        }

    def sizes(self) -> list[Size]:
        steps = [
            arm.step(start)
            for arm in self._arms()
            for start in range(self.spec.n_starts)
            if arm.backend is not None
        ]
        return [Size("n_starts", self.spec.n_starts, frozenset(steps))]

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        found = of_type(TrainingRow, rows)
        groups: dict[_Arm, list[TrainingRow]] = {}
        for row in found:
            groups.setdefault(_Arm(row.objective, row.optimizer, row.backend), []).append(row)
        notes = [
            "By backend, or by linear algebra (-): the objective at the trained angles as it was "
            "measured, and without shots and noise; means over starts ± standard error. best: of "
            "the start with the highest measured one, without shots and noise. MSE: of that "
            "start; optimum: Eckart and Young's. Circuits: evaluations of one start."
        ]
        title = f"{self.spec.name}: {self.spec.title}"
        return [build_table(title, _COLUMNS, list(groups.values()), notes)]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        found, arms = of_type(TrainingRow, rows), self._arms()
        canvas, panels = small_multiples(len(arms))
        for axes, arm in zip(panels, arms, strict=True):
            for start in range(self.spec.n_starts):
                axes.plot(
                    outcomes[arm.step(start)].arrays["history"], color=CIRCLE.colour, alpha=0.7
                )
            highest = next(row.highest for row in found if row.objective == arm.objective)
            axes.axhline(highest, color="black", linestyle=":", linewidth=1)
            where = arm.backend or "linear algebra"
            axes.set_title(f"{arm.objective}, {arm.optimizer}\n{where}", fontsize=8)
        canvas.supxlabel("iteration", fontsize=9)
        canvas.supylabel("objective", fontsize=9)
        caption = (
            "Learning curves: the objective by iteration as it was measured, a line per start and "
            "a panel per optimiser and backend; dotted, the highest there is."
        )
        return {"learning": Figure(caption, canvas)}

    def _train(self, arm: _Arm, start: int, ask: Ask, have: Have) -> Outcome:
        spec, criterion, matrix = self.spec, self._criterion(arm.objective), self._matrix
        backend = None if arm.backend is None else self.backend(arm.backend)
        asked = backend and ask.wrap(backend)
        model = self._model(arm, start, asked).fit(matrix)
        exact = ExactObjective(matrix[None], spec.n_layers, criterion)
        singular = np.linalg.svd(matrix, compute_uv=False)
        row = TrainingRow(
            objective=arm.objective,
            optimizer=arm.optimizer,
            backend=arm.backend,
            shots=None if backend is None else backend.shots,
            start=start,
            iterations=len(model.history_[0]) - 1,
            measured=model.objective_,
            exact=-float(exact.value(model.theta_[None], np.zeros(1, np.intp))[0]),
            highest=float(criterion.highest(singular)),
            mse=float(np.mean(np.abs(matrix - model.reconstruct()) ** 2)),
            optimum_mse=float((singular[spec.rank :] ** 2).sum() / matrix.size),
            circuits=model.n_circuits_["parameter_shift"] + model.n_circuits_["readout"],
        )
        return Outcome([row], {"theta": model.theta_, "history": model.history_[0]})

    def _most(self, arm: _Arm, start: int, have: Have) -> list[Asked]:
        backend = None if arm.backend is None else self.backend(arm.backend)
        return self._model(arm, start, backend).questions(self._matrix)

    def _model(self, arm: _Arm, start: int, backend: Backend | None) -> VariationalSVD:
        return VariationalSVD(
            self.spec.rank,
            self.spec.n_layers,
            arm.objective,
            arm.optimizer,
            backend,
            n_init=1,
            random_state=child_seed(self.spec.seed, "start", start),
            max_iter=self.spec.optimizers[cast(Optimizer, arm.optimizer)],
            form=self.spec.form,
        )

    def _arms(self) -> list[_Arm]:
        return [
            _Arm(objective, optimizer, backend)
            for objective in self.spec.objectives
            for optimizer in self.spec.optimizers
            for backend in [None, *self.spec.backends]
        ]

    def _criterion(self, objective: str) -> Criterion:
        return Criterion.of_rank(objective, self.spec.rank)

    @property
    def _matrix(self) -> Array:
        n_qubits = self.spec.n_qubits
        return scaled_matrix(n_qubits, child_seed(self.spec.seed, "matrix", n_qubits))


def _mean(name: str, rows: list[TrainingRow]) -> str:
    return with_stderr(*mean_and_error(np.array([getattr(row, name) for row in rows])), 3)


def _best(rows: list[TrainingRow]) -> TrainingRow:
    """Return the start that a user would keep."""
    return max(rows, key=lambda row: row.measured)


_COLUMNS: list[Column[list[TrainingRow]]] = [
    Column("objective", lambda rows: rows[0].objective, text=True),
    Column("by", lambda rows: rows[0].optimizer, text=True),
    Column("backend", lambda rows: rows[0].backend, text=True),
    Column("measured", partial(_mean, "measured")),
    Column("exact", partial(_mean, "exact")),
    Column("best", lambda rows: _best(rows).exact, "{:.3f}"),
    Column("highest", lambda rows: rows[0].highest, "{:.3f}"),
    Column("MSE", lambda rows: _best(rows).mse, "{:.3f}"),
    Column("optimum", lambda rows: rows[0].optimum_mse, "{:.3f}"),
    Column("circuits", lambda rows: np.mean([row.circuits for row in rows]), "{:.0f}"),
]

EXPERIMENT = Training
