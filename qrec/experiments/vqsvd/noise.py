"""`kind: vqsvd_noise`: which circuit of the variational SVD survives shots and noise?

The same optimum, trained by linear algebra, is measured on every backend by each form:
`hadamard`, the published test, and `cheap`, the same with fewer controlled gates, which give
d_j = <j|U^dag M V|j> itself; `encoding`, the published block encoding, `bell`, that by Bell
projection, and `direct`, our projection without a block encoding, which give |d_j|^2. Beside
them, at the optimum of the coincidence objective on the same matrices, the QSVD's circuit: `qsvd`
reads |d_j|^2 as it comes, `coincident` from the shots alone in which both parties agree.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal, get_args

import numpy as np
from pydantic import BeforeValidator, Field, model_validator
from qiskit import QuantumCircuit

from qrec.analysis.figures import (
    CIRCLE,
    CROSS,
    DIAMOND,
    PALE_SQUARE,
    SQUARE,
    TRIANGLE,
    WEDGE,
    Figure,
    draw_errors,
    new_canvas,
)
from qrec.analysis.table import Column, Table, build_table, with_stderr
from qrec.backends import noiseless, open_backend
from qrec.backends.base import Backend
from qrec.circuits.parts.hadamard import Part
from qrec.config import ExperimentSpec, Spec
from qrec.experiments.base import Ask, Experiment, Have, Step
from qrec.experiments.observed import named
from qrec.experiments.vqsvd.sweep import Positive, sweep, uniform_matrices, with_error
from qrec.runs.outcomes import Outcome
from qrec.seeds import child_seed
from qrec.svd.measured import (
    Probe,
    coincidence_probe,
    coincident_values,
    direct_probe,
    encoded_probe,
    hadamard_probe,
)
from qrec.svd.objectives import Kind
from qrec.types import Array, Row, of_type


@dataclass(frozen=True)
class _Form:
    """How |d_j| is measured: `probes`, from a matrix, a number of layers and the rank.

    A value takes one expectation value, |d_j|^2, or `parts` of d_j, the real and the imaginary
    one. A `joint` probe gives all N values at once, at angles that make the parties agree.
    """

    probes: Callable[[Array, int, int], list[Probe]]
    parts: int = 1
    joint: bool = False
    coincident_only: bool = False

    @property
    def objective(self) -> Kind:
        """What the angles are trained by."""
        return "coincidence" if self.joint else "modified"

    def strength(self, values: Array) -> Array:
        """Return the 2-norm of the expectation values `(m, n_values)` of each |d_j|."""
        return np.asarray(np.linalg.norm(values.reshape(len(values), -1, self.parts), axis=2))

    def magnitudes(self, values: Array, factors: Array) -> Array:
        """Return |d_j| from expectation values `(m, n_values)` and factors `(m,)`."""
        if self.parts == 2:
            return np.asarray(factors[:, None] * self.strength(values))
        return np.sqrt(factors[:, None] * np.maximum(values, 0.0))

    def measured(self, values: Array, factors: Array) -> Array:
        """Return `magnitudes` with mitigation; the factor of a joint probe is |M|_F^2."""
        if not self.coincident_only:
            return self.magnitudes(values, factors)
        pairs = zip(values, factors, strict=True)
        return np.array([coincident_values(squares * of, of) for squares, of in pairs])


def _hadamard(form: str) -> _Form:
    def probes(matrix: Array, n_layers: int, rank: int) -> list[Probe]:
        return [
            hadamard_probe(matrix, n_layers, j, j, part, form)
            for j in range(rank)
            for part in get_args(Part)
        ]

    return _Form(probes, parts=2)


def _encoded(form: str) -> _Form:
    return _Form(
        lambda m, layers, rank: [encoded_probe(m, layers, j, [j], form) for j in range(rank)]
    )


def _direct(matrix: Array, n_layers: int, rank: int) -> list[Probe]:
    return [direct_probe(matrix, n_layers, [(j, j)]) for j in range(rank)]


def _joint(matrix: Array, n_layers: int, rank: int) -> list[Probe]:
    del rank  # it reads them all
    return [coincidence_probe(matrix, n_layers)]


FORMS = {
    "hadamard": _hadamard("published"),
    "cheap": _hadamard("bell"),
    "encoding": _encoded("published"),
    "bell": _encoded("bell"),
    "direct": _Form(_direct),
    "qsvd": _Form(_joint, joint=True),
    "coincident": _Form(_joint, joint=True, coincident_only=True),
}
_MARKS = (CIRCLE, PALE_SQUARE, DIAMOND, WEDGE, TRIANGLE, CROSS, SQUARE)
_STYLES = dict(zip(FORMS, _MARKS, strict=True))


class Sampled(Spec):
    """An entry of backends.yaml, and the shots to take there (its own if not given)."""

    name: str
    shots: Positive | None = None

    @property
    def label(self) -> str:
        """What the run calls it."""
        return self.name if self.shots is None else f"{self.name}-{self.shots}"


_NAMED = BeforeValidator(named, json_schema_input_type=str | Sampled)


class Problem(Spec):
    """A size of matrix, and how many are measured."""

    n_qubits: Annotated[int, Field(ge=1, le=4)]
    n_layers: Positive
    n_matrices: Positive


class NoiseSpec(ExperimentSpec):
    """Sizes, forms and backends; the `rank` leading values are measured."""

    kind: Literal["vqsvd_noise"]
    problems: Annotated[list[Problem], Field(min_length=1)]
    forms: Annotated[list[Literal[tuple(FORMS)]], Field(min_length=1)]  # type: ignore[valid-type]
    backends: Annotated[
        list[Annotated[Sampled, BeforeValidator(named, json_schema_input_type=str | Sampled)]],
        Field(min_length=1),
    ]
    rank: Positive = 1
    lowest: Annotated[float, Field(ge=-1, lt=1)] = 0.0
    n_starts: Positive = 10

    @model_validator(mode="after")
    def _check(self) -> "NoiseSpec":
        smallest = 2 ** min(problem.n_qubits for problem in self.problems)
        if self.rank > smallest:
            raise ValueError(
                f"rank: found {self.rank}, but the smallest matrix has {smallest} rows"
            )
        return self

    def with_backends(self, names: list[str]) -> "NoiseSpec":
        """Return the same experiment on other backends."""
        return self.model_copy(update={"backends": [Sampled(name=name) for name in names]})


@dataclass(frozen=True, kw_only=True)
class SurvivalRow(Row):
    """What one form measures on one backend; means over matrices.

    Standard errors are over matrices, None where there is one.
    """

    KEY: ClassVar[tuple[str, ...]] = ("n_qubits", "n_layers", "form", "backend", "shots")
    VALUES: ClassVar[tuple[str, ...]] = ("ratio", "mse")

    n_qubits: int
    n_layers: int
    form: str
    backend: str
    shots: int | None
    n_matrices: int
    circuits: int  # per matrix
    circuit_qubits: int
    two_qubit_gates: float  # of the circuit that was run, mean of all
    signal: float  # 2-norm of the ideal expectation values of one |d_j|
    signal_stderr: float | None
    shot_noise: float  # 2-norm of the measured ones' standard errors
    shot_noise_stderr: float | None
    ratio: float  # measured |d_j| over the true one, that of the same angles
    ratio_stderr: float | None
    mse: float  # of the rank-T matrix with the measured values in it
    mse_stderr: float | None
    optimum_mse: float  # Eckart and Young's
    optimum_mse_stderr: float | None


@dataclass(frozen=True)
class _Measurement:
    """One form at one size on one backend."""

    problem: Problem
    form: str
    backend: Sampled

    @property
    def name(self) -> str:
        """The name of the step, with which keys of workloads begin."""
        return f"n{self.problem.n_qubits}.{self.form}.{self.backend.label}"


class Noise(Experiment):
    """See `NoiseSpec`."""

    Spec = NoiseSpec
    rows_of = (SurvivalRow,)
    spec: NoiseSpec

    def steps(self) -> list[Step]:
        return [Step(each.name, partial(self._measure, each)) for each in self._measurements()]

    def backend_names(self) -> list[str]:
        return [backend.label for backend in self.spec.backends]

    def open(self, name: str) -> Backend:
        entry = next(backend for backend in self.spec.backends if backend.label == name)
        fields = {} if entry.shots is None else {"shots": entry.shots}
        return open_backend(entry.name, file=self.places.backends_file, **fields)

    def circuits(self) -> dict[str, QuantumCircuit]:
        return {
            f"{form}.n{p.n_qubits}": FORMS[form]
            .probes(self._matrices(p)[0], p.n_layers, 1)[0]
            .circuit
            for p in self.spec.problems
            for form in self.spec.forms
        }

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        notes = [
            "2q: gates on two or more qubits in the circuit that was run. Signal: the ideal "
            "expectation value. Ratio: measured |d_j| over the true one, mean over matrices and "
            "standard error; 1 is right. Excess: mean squared error of the rank-T matrix with the "
            "measured values in it, beyond Eckart and Young's; phases and vectors taken as exact. "
            "qsvd and coincident are measured where the coincidence objective ends, the others "
            "where the modified one does."
        ]
        title = f"{self.spec.name}: {self.spec.title}"
        return [build_table(title, _COLUMNS, of_type(SurvivalRow, rows), notes)]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        labels = self.backend_names()
        canvas = new_canvas(3.4 * len(labels), 3.2)
        panels = canvas.subplots(1, len(labels), squeeze=False, sharey=True)[0]
        for axes, label in zip(panels, labels, strict=True):
            for form, style in _STYLES.items():
                line = [
                    row
                    for each in self._measurements()
                    if (each.form, each.backend.label) == (form, label)
                    for row in of_type(SurvivalRow, outcomes[each.name].rows)
                ]
                if line:
                    x, y = [row.n_qubits for row in line], [row.ratio for row in line]
                    errors = [row.ratio_stderr for row in line]
                    draw_errors(axes, style, x, y, yerr=errors, label=form)
            axes.axhline(1.0, color="black", linestyle=":")
            axes.set_title(label, fontsize=9)
            axes.set_xlabel("n")
            axes.set_xticks([problem.n_qubits for problem in self.spec.problems])
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.3)
        panels[0].set_ylabel("measured / true |d_j|")
        panels[0].legend(fontsize=7)
        caption = (
            "Measured |d_j| over the true one against n, a panel per backend and shots; on the "
            "dotted line nothing is lost. Bars of one standard error over matrices."
        )
        return {"ratio": Figure(caption, canvas)}

    def _measure(self, each: _Measurement, ask: Ask, have: Have) -> Outcome:
        problem, rank, form = each.problem, self.spec.rank, FORMS[each.form]
        backend, matrices = self.backend(each.backend.label), self._matrices(problem)
        ask.say("training by linear algebra")
        seed = child_seed(self.spec.seed, problem.n_qubits, problem.n_layers)
        found = sweep(matrices, problem.n_layers, form.objective, rank, self.spec.n_starts, seed)
        angles = found.trained.theta.reshape(len(matrices), self.spec.n_starts, -1)
        probes = [form.probes(matrix, problem.n_layers, rank) for matrix in matrices]
        workloads = [
            probe.workload(angles[k, found.best[k]][None], f"{each.name}/{k}/{i}")
            for k, of in enumerate(probes)
            for i, probe in enumerate(of)
        ]
        readings, costs = ask(backend, workloads), ask.costs
        shape = (len(matrices), -1)
        ideal = np.reshape([reading.value for reading in noiseless().run(workloads)], shape)
        values, errors = (
            np.reshape([getattr(reading, name) for reading in readings], shape)
            for name in ("value", "stderr")
        )
        factors = np.array([of[0].factor for of in probes])
        right = form.magnitudes(ideal, factors)
        leading = np.argsort(-right, axis=1, kind="stable")[:, :rank]
        taken = partial(np.take_along_axis, indices=leading, axis=1)
        true, measured = taken(right), taken(form.measured(values, factors))
        rest = (matrices**2).sum(axis=(1, 2)) - (true**2).sum(axis=1)
        mse = (rest + ((measured - true) ** 2).sum(axis=1)) / matrices[0].size
        row = SurvivalRow(
            n_qubits=problem.n_qubits,
            n_layers=problem.n_layers,
            form=each.form,
            backend=each.backend.name,
            shots=backend.shots,
            n_matrices=len(matrices),
            circuits=len(probes[0]),
            circuit_qubits=probes[0][0].circuit.num_qubits,
            two_qubit_gates=float(np.mean([cost["isa"]["two_qubit_gates"] for cost in costs])),
            **with_error("signal", taken(form.strength(ideal)).mean(axis=1)),
            **with_error("shot_noise", taken(form.strength(errors)).mean(axis=1)),
            **with_error("ratio", (measured / true).mean(axis=1)),
            **with_error("mse", mse),
            **with_error("optimum_mse", found.optimum / matrices[0].size),
        )
        return Outcome([row])

    def _measurements(self) -> list[_Measurement]:
        return [
            _Measurement(problem, form, backend)
            for problem in self.spec.problems
            for backend in self.spec.backends
            for form in self.spec.forms
        ]

    def _matrices(self, problem: Problem) -> Array:
        spec = self.spec
        return uniform_matrices(problem.n_qubits, problem.n_matrices, spec.lowest, spec.seed)


_COLUMNS: list[Column[SurvivalRow]] = [
    Column("n", lambda row: row.n_qubits, text=True),
    Column("form", lambda row: row.form, text=True),
    Column("backend", lambda row: row.backend, text=True),
    Column("shots", lambda row: row.shots),
    Column("circuits", lambda row: row.circuits),
    Column("2q", lambda row: row.two_qubit_gates, "{:.0f}"),
    Column("signal", lambda row: row.signal, "{:.5f}"),
    Column("ratio", lambda row: with_stderr(row.ratio, row.ratio_stderr, 3)),
    Column("excess", lambda row: row.mse - row.optimum_mse, "{:.4f}"),
]


EXPERIMENT = Noise
