"""`kind: vqsvd_noise`: which circuit of the variational SVD survives shots and noise?

The same optimum, trained by linear algebra, is measured on every backend by each form:
`hadamard`, the published test, and `cheap`, the same with fewer controlled gates, which give
d_j = <j|U^dag M V|j> itself; `encoding`, the published block encoding, `bell`, that by Bell
projection, and `direct`, our projection without a block encoding, which give |d_j|^2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from matplotlib.figure import Figure as Canvas
from pydantic import BeforeValidator, Field, model_validator
from qiskit import QuantumCircuit

from qrec.analysis.count import count
from qrec.analysis.figures import (
    CIRCLE,
    DIAMOND,
    PALE_SQUARE,
    TRIANGLE,
    WEDGE,
    Figure,
    draw_errors,
    to_png,
)
from qrec.analysis.table import Table, number
from qrec.backends import noiseless, open_backend
from qrec.backends.base import Backend
from qrec.backends.readings import read
from qrec.config import ExperimentSpec, Spec
from qrec.experiments._base import Places
from qrec.experiments._tasks import Arrays, Outcome, Row, Step, TaskExperiment
from qrec.experiments._vqsvd import Positive, sweep, uniform_matrices, with_error
from qrec.seeds import child_seed
from qrec.svd.ansatz import Real
from qrec.svd.measured import Probe, direct_probe, encoded_probe, hadamard_probe

_Build = Callable[[Real, int, int], list[Probe]]


def _hadamard(form: str) -> _Build:
    return lambda m, layers, j: [
        hadamard_probe(m, layers, j, j, "real", form),
        hadamard_probe(m, layers, j, j, "imag", form),
    ]


# From a matrix, a number of layers and j to the circuits that together give |d_j|.
FORMS: dict[str, _Build] = {
    "hadamard": _hadamard("published"),
    "cheap": _hadamard("bell"),
    "encoding": lambda m, layers, j: [encoded_probe(m, layers, j, [j], "published")],
    "bell": lambda m, layers, j: [encoded_probe(m, layers, j, [j], "bell")],
    "direct": lambda m, layers, j: [direct_probe(m, layers, [(j, j)])],
}
_STYLES = dict(zip(FORMS, (CIRCLE, PALE_SQUARE, DIAMOND, WEDGE, TRIANGLE), strict=True))


class Place(Spec):
    """A backend of backends.yaml, and the shots to take there (its own if not given)."""

    name: str
    shots: Positive | None = None

    @property
    def label(self) -> str:
        return self.name if self.shots is None else f"{self.name}-{self.shots}"


class Problem(Spec):
    """A size of matrix, and how many are measured."""

    n_qubits: Annotated[int, Field(ge=1, le=4)]
    n_layers: Positive
    n_matrices: Positive


def _places(value: Any) -> Any:
    return [{"name": v} if isinstance(v, str) else v for v in value]


class NoiseSpec(ExperimentSpec):
    """Sizes, forms and places; the `rank` leading values are measured."""

    kind: Literal["vqsvd_noise"]
    problems: Annotated[list[Problem], Field(min_length=1)]
    forms: Annotated[list[Literal[tuple(FORMS)]], Field(min_length=1)]  # type: ignore[valid-type]
    backends: Annotated[list[Place], Field(min_length=1), BeforeValidator(_places)]
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
        """Return the same experiment in other places."""
        return self.model_copy(update={"backends": [Place(name=name) for name in names]})


class Noise(TaskExperiment):
    """See `NoiseSpec`."""

    spec: NoiseSpec

    def __init__(self, spec: NoiseSpec, places: Places) -> None:
        super().__init__(spec, places)
        self._opened: dict[str, Backend] = {}

    def tasks(self) -> list[str]:
        return list(self._settings())

    def backends(self) -> dict[str, Backend]:
        if not self._opened:
            self._opened = {place.label: self._open(place) for place in self._places()}
        return self._opened

    def circuits(self) -> dict[str, QuantumCircuit]:
        return {
            f"{form}.n{p.n_qubits}": FORMS[form](self._matrices(p)[0], p.n_layers, 0)[0].circuit
            for p in self.spec.problems
            for form in self.spec.forms
        }

    def compute(self, task: str, step: Step) -> Outcome:
        problem, form, place = self._settings()[task]
        backend, matrices = self.backends()[place.label], self._matrices(problem)
        rank = self.spec.rank
        step("training by linear algebra")
        seed = child_seed(self.spec.seed, problem.n_qubits, problem.n_layers)
        found = sweep(matrices, problem.n_layers, "modified", rank, self.spec.n_starts, seed)
        angles = found.trained.theta.reshape(len(matrices), self.spec.n_starts, -1)
        values = np.empty((len(matrices), rank), dtype=object)
        for k, j in np.ndindex(values.shape):
            step(f"matrix {k + 1}, value {j + 1}")
            probes = FORMS[form](matrices[k], problem.n_layers, j)
            theta = angles[k, found.best[k]]
            values[k, j] = _measure(backend, probes, theta, f"{task}/{k}/{j}")
        row: Row = {
            "n_qubits": problem.n_qubits,
            "n_layers": problem.n_layers,
            "form": form,
            "backend": place.name,
            "shots": backend.shots,
            "n_matrices": len(matrices),
            "circuits": len(probes) * rank,
            "circuit_qubits": probes[0].circuit.num_qubits,
        }

        def column(name: str) -> Real:
            get = np.vectorize(lambda value: getattr(value, name), otypes=[float])
            return np.asarray(get(values))

        row["two_qubit_gates"] = float(column("two_qubit_gates").mean())
        true, measured = column("true"), column("measured")
        row |= with_error("signal", column("signal").mean(axis=1))
        row |= with_error("shot_noise", column("stderr").mean(axis=1))
        row |= with_error("ratio", (measured / true).mean(axis=1))
        rest = (matrices**2).sum(axis=(1, 2)) - (true**2).sum(axis=1)
        mse = (rest + ((measured - true) ** 2).sum(axis=1)) / matrices[0].size
        row |= with_error("mse", mse)
        row |= with_error("optimum_mse", found.optimum / matrices[0].size)
        return Outcome([row])

    def tables(self, rows: list[Row]) -> list[Table]:
        body = [
            [
                str(row["n_qubits"]),
                row["form"],
                row["backend"],
                str(row["shots"] or "-"),
                number(row["two_qubit_gates"], 0),
                number(row["signal"], 5),
                number(row["ratio"], 2),
                number(row["ratio_stderr"], 2),
                number(row["mse"], 4),
                number(row["optimum_mse"], 4),
            ]
            for row in rows
        ]
        columns = ["n", "form", "backend", "shots", "2q", "signal", "ratio", "±"]
        columns += ["MSE", "optimum"]
        notes = [
            "2q: gates on two or more qubits in the circuit that was run. Signal: the ideal "
            "expectation value. Ratio: measured |d_j| over the true one, mean over matrices and "
            "standard error; 1 is right. MSE: of the rank-T matrix with the measured values in it, "
            "phases and vectors taken as exact; optimum: Eckart and Young's."
        ]
        return [Table(f"{self.spec.name}: {self.spec.title}", columns, body, notes, n_text=3)]

    def figures(self, rows: list[Row], arrays: Mapping[str, Arrays]) -> dict[str, Figure]:
        labels = [place.label for place in self._places()]
        canvas = Canvas(figsize=(3.4 * len(labels), 3.2), layout="constrained")
        panels = canvas.subplots(1, len(labels), squeeze=False, sharey=True)[0]
        settings = list(self._settings().values())
        for axes, label in zip(panels, labels, strict=True):
            for form, style in _STYLES.items():
                line = [
                    row
                    for row, (_, name, place) in zip(rows, settings, strict=True)
                    if place.label == label and name == form
                ]
                if line:
                    x, y, errors = (
                        [row[key] for row in line] for key in ("n_qubits", "ratio", "ratio_stderr")
                    )
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
        return {"ratio": Figure(caption, to_png(canvas))}

    def _settings(self) -> dict[str, tuple[Problem, str, Place]]:
        return {
            f"n{problem.n_qubits}.{form}.{place.label}": (problem, form, place)
            for problem in self.spec.problems
            for place in self._places()
            for form in self.spec.forms
        }

    def _places(self) -> list[Place]:
        return self.spec.backends

    def _open(self, place: Place) -> Backend:
        fields = {} if place.shots is None else {"shots": place.shots}
        return open_backend(place.name, file=self.places.backends_file, **fields)

    def _matrices(self, problem: Problem) -> Real:
        spec = self.spec
        return uniform_matrices(problem.n_qubits, problem.n_matrices, spec.lowest, spec.seed)


@dataclass(frozen=True)
class _Value:
    """One |d_j|: true and measured, and the expectation values it was read from."""

    true: float
    measured: float
    signal: float  # 2-norm of the ideal expectation values
    stderr: float  # 2-norm of the measured ones' standard errors
    two_qubit_gates: float  # mean of the circuits


def _measure(backend: Backend, probes: list[Probe], theta: Real, key: str) -> _Value:
    workloads = [p.workload(theta[None], f"{key}/{i}") for i, p in enumerate(probes)]
    units = backend.prepare(workloads)
    readings = [read(*pair) for pair in zip(workloads, backend.answer(units), strict=True)]
    ideal = np.array([reading.value[0] for reading in noiseless().run(workloads)])
    measured = np.array([reading.value[0] for reading in readings])
    gates = [count(unit.circuit)["two_qubit_gates"] for unit in units]
    return _Value(
        _magnitude(ideal, probes[0].factor),
        _magnitude(measured, probes[0].factor),
        float(np.linalg.norm(ideal)),
        float(np.linalg.norm([reading.stderr[0] for reading in readings])),
        float(np.mean(gates)),
    )


def _magnitude(values: Real, factor: float) -> float:
    """Return |d_j| from its real and imaginary part, or from the one value of |d_j|^2."""
    if len(values) == 2:
        return float(factor * np.linalg.norm(values))
    return float(np.sqrt(factor * max(values[0], 0.0)))


SPEC = NoiseSpec
EXPERIMENT = Noise
