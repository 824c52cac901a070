"""`kind: comparison`: recommenders on the same split, each on its backends, in one table.

A fit is a step, after the fits of the models it is built on; so is every row: predictions of
the test pairs by the fitted model, for a quantum one the readings of one question to a backend.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from sklearn.model_selection import ParameterGrid

from qrec.analysis.accuracy import accuracy_table, cost_table, same_pairs_table
from qrec.analysis.answer import comparison_answer
from qrec.analysis.calibration import calibration_figure
from qrec.analysis.compare import DifferenceRow, StoredRun, compare_samples
from qrec.analysis.figures import Figure
from qrec.analysis.learning import learning_figure
from qrec.analysis.measured import measured_figure
from qrec.analysis.plots import forest_figure, spread_figure
from qrec.analysis.rows import ComparisonRow, comparison_rows
from qrec.analysis.samples import Sample, sample_of
from qrec.analysis.table import Table
from qrec.backends import noiseless
from qrec.backends.base import Backend
from qrec.backends.workload import Asked
from qrec.data import Ratings, Split
from qrec.experiments.base import Ask, Have, Size, Step
from qrec.experiments.comparison.fitting import FitRow, build, fit, histories
from qrec.experiments.comparison.spec import ComparisonSpec, Entry
from qrec.experiments.comparison.tuning import TunedExperiment
from qrec.experiments.observed import ObservedExperiment
from qrec.recommenders.base import Recommender
from qrec.recommenders.parameters import is_backend
from qrec.recommenders.quantum import QuantumRecommender
from qrec.runs.outcomes import Arrays, Outcome, only_row
from qrec.seeds import child_seed
from qrec.types import Row, of_type

_CIRCUIT_RATINGS = 500  # enough to build a circuit, whose form hangs on hyper-parameters alone
IDEAL = "exact"  # how a row without shots and noise is called where no backend is named


@dataclass(frozen=True, kw_only=True)
class PredictionRow(Row):
    """What was noted beside the predictions of one row of one repeat."""

    recommender: str
    backend: str | None
    shots: int | None
    repeat: int
    noise_floor: float | None
    predict_seconds: float | None  # None where a QPU was asked: answers are read from files
    circuits: dict[str, dict[str, int | dict[str, int]]] | None  # what one costs, by stage


@dataclass(frozen=True)
class Task:
    """One row of one repeat: a recommender's predictions, on a backend if it is quantum."""

    entry: Entry
    backend: str | None
    repeat: int

    @property
    def name(self) -> str:
        """The name of the step, and the key that seeds its shots."""
        return f"{self.entry.label}.{self.backend or 'classical'}.r{self.repeat}"

    @property
    def fit(self) -> str:
        """The name of the step that fits the recommender."""
        return fit_name(self.entry.label, self.repeat)


def fit_name(label: str, repeat: int) -> str:
    """Return the name of the step that fits an entry."""
    return f"{label}.r{repeat}.fit"


class Comparison(ObservedExperiment, TunedExperiment):
    """See `ComparisonSpec`."""

    Spec = ComparisonSpec
    rows_of = (FitRow, PredictionRow)
    partial = True
    spec: ComparisonSpec

    def steps(self) -> list[Step]:
        steps = []
        for repeat in range(self.spec.repeats):
            for entry in self.spec.recommenders:
                bases = dict.fromkeys(entry.references.values())
                steps.append(
                    Step(
                        fit_name(entry.label, repeat),
                        partial(self._fit, entry, repeat),
                        tuple(fit_name(base, repeat) for base in bases),
                        partial(self._most, entry, repeat),
                    )
                )
                for task in self._tasks_of(entry, repeat):
                    steps.append(Step(task.name, partial(self._predict, task), (task.fit,)))
        return steps

    def tasks(self) -> list[Task]:
        """Return all rows of all repeats, in the order in which they are shown."""
        return [
            task
            for repeat in range(self.spec.repeats)
            for entry in self.spec.recommenders
            for task in self._tasks_of(entry, repeat)
        ]

    def rows(self, outcomes: Have) -> list[Row]:
        return list(comparison_rows(self.samples(outcomes), self.spec.metrics))

    def samples(self, outcomes: Have) -> list[Sample]:
        return [self._sample(task, outcomes) for task in self.tasks() if task.name in outcomes]

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        found = of_type(ComparisonRow, rows)
        tables = [accuracy_table(self._heading(), found), same_pairs_table(found)]
        tables.append(cost_table(found))
        return [table for table in tables if table.rows]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        found, samples = of_type(ComparisonRow, rows), self.samples(outcomes)
        families = {(row.recommender, row.backend): row.family for row in found}
        first = [sample for sample in samples if sample.notes["repeat"] == 0]
        best = next((row.metrics["rmse"] for row in found if row.best_classical), None)
        fits = {entry.label: fit_name(entry.label, 0) for entry in self.spec.recommenders}
        drawn = {
            "differences": best and forest_figure(self._differences(samples), families, best),
            "predictions": first and spread_figure(first, families),
            "calibration": first and calibration_figure(first, families),
            "measured": first and measured_figure(first),
            "learning": learning_figure(histories(fits, outcomes)),
        }
        return {name: figure for name, figure in drawn.items() if figure}

    def answer(self, rows: Sequence[Row], outcomes: Have) -> list[str]:
        samples = self.samples(outcomes)
        found = of_type(ComparisonRow, rows)
        return comparison_answer(found, self._differences(samples), samples)

    def _differences(self, samples: Sequence[Sample]) -> list[DifferenceRow]:
        return compare_samples([StoredRun(self.spec.name, self.summary, samples)])

    def details(self) -> dict[str, Any]:
        return {
            "dataset": self.summary,
            "split": self._split(0).sizes,
            "seeds": {
                f"repeat {repeat}": {name: self._seed(repeat, name) for name in ("split", "pairs")}
                for repeat in range(self.spec.repeats)
            },
        }

    def backend_names(self) -> list[str]:
        names = [name for entry in self.spec.recommenders for name in entry.backends]
        for entry in self.spec.recommenders:
            names += [value for name, value in entry.candidates if is_backend(name)]
        return list(dict.fromkeys(names))

    def sizes(self) -> list[Size]:
        sampled = [t for t in self.tasks() if t.backend is not None and self._takes_shots(t)]
        steps = frozenset(task.name for task in sampled)
        return [Size("n_pairs", self._n_pairs(self._split(0).test), steps)]

    def plan(self) -> Table:
        rows = [self._planned(task) for task in self.tasks()]
        columns = ["task", "recommender", "shots", "evaluations", "candidates"]
        title = f"{self.spec.name}: what would be done; nothing was"
        return Table(title, columns, rows, n_text=2)

    def circuits(self) -> dict[str, QuantumCircuit]:
        few = self.ratings[np.arange(min(_CIRCUIT_RATINGS, len(self.ratings)))]
        models: dict[str, Recommender] = {}
        for entry in self.spec.recommenders:
            bases = {name: models[label] for name, label in entry.references.items()}
            models[entry.label] = build(entry, {}, bases, lambda _: noiseless(), seed=0)
        for model in models.values():
            if "n_epochs" in model.get_params(deep=False):
                model.set_params(n_epochs=0)  # what is trained changes no gate
        quantum = {k: m for k, m in models.items() if isinstance(m, QuantumRecommender)}
        return {k: model.fit(few, validation=few).fitted_circuit() for k, model in quantum.items()}

    def tuning_split(self) -> Split:
        return self._split(0)

    def _fit(self, entry: Entry, repeat: int, ask: Ask, have: Have) -> Outcome:
        bases = self._bases(entry, repeat, have)
        return fit(
            entry,
            repeat,
            self._split(repeat),
            bases,
            lambda name: ask.wrap(self.backend(name)),
            self._fit_seed(entry, repeat),
        )

    def _most(self, entry: Entry, repeat: int, have: Have) -> list[Asked]:
        """Return the most that a fit can ask, all candidates of a grid together."""
        parts, most = self._split(repeat), []
        for chosen in ParameterGrid(entry.grid):
            bases = self._bases(entry, repeat, have)
            model = build(entry, chosen, bases, self.backend, self._fit_seed(entry, repeat))
            if hasattr(model, "questions"):
                most += model.questions(parts.train, parts.validation)
        return most

    def _predict(self, task: Task, ask: Ask, have: Have) -> Outcome:
        model, pairs, costs = have[task.fit].model, self._pairs(task), None
        begun = time.perf_counter()
        if task.backend is None:
            prediction = model.predict(pairs)
        else:
            assert isinstance(model, QuantumRecommender)
            workloads = model.workloads(pairs, key=task.name)
            prediction = model.combine(pairs, ask(self._backend(task), workloads))
            costs = ask.costs[0] if workloads else None
        paid = task.backend is not None and self._backend(task).costs
        row = PredictionRow(
            recommender=task.entry.label,
            backend=task.backend,
            shots=None if task.backend is None else self._backend(task).shots,
            repeat=task.repeat,
            noise_floor=pairs.noise_floor,
            predict_seconds=None if paid else time.perf_counter() - begun,
            circuits=costs,
        )
        arrays: Arrays = {"user": pairs.user, "item": pairs.item, "truth": pairs.value}
        return Outcome([row], {**arrays, "prediction": prediction})

    def _sample(self, task: Task, outcomes: Have) -> Sample:
        """Return the predictions of a row with all that was noted of it."""
        predicted, fit_outcome = outcomes[task.name], outcomes[task.fit]
        row, fitted = only_row(predicted, PredictionRow), only_row(fit_outcome, FitRow)
        notes = fitted.as_dict() | row.as_dict() | {
            "place": self.tasks().index(task),
            "class": task.entry.recommender,
            "family": self.spec.family(task.entry),
            "scored_on": task.entry.scored_on,
        }  # fmt: skip
        return sample_of(predicted.arrays, notes, predicted.where)

    def _tasks_of(self, entry: Entry, repeat: int) -> list[Task]:
        names = entry.predicts_on or [IDEAL] if entry.is_quantum else [None]
        return [Task(entry, name, repeat) for name in names]

    def _backend(self, task: Task) -> Backend:
        """Return the backend of a quantum row; where none is named, that without noise."""
        assert task.backend is not None
        return self.backend(task.backend) if task.entry.predicts_on else noiseless()

    def _takes_shots(self, task: Task) -> bool:
        return task.backend is not None and self._backend(task).shots is not None

    def _bases(self, entry: Entry, repeat: int, have: Have) -> dict[str, Recommender]:
        return {name: have[fit_name(base, repeat)].model for name, base in entry.references.items()}

    def _pairs(self, task: Task) -> Ratings:
        """Return the observed ratings a task is scored on."""
        parts = self._split(task.repeat)
        scored: Ratings = {"test": parts.test, "train": parts.train, "all": parts.ratings}[
            task.entry.scored_on
        ]
        if not self._takes_shots(task):
            return scored
        draw = np.random.default_rng(self._seed(task.repeat, "pairs"))
        chosen = draw.choice(len(scored), self._n_pairs(scored), replace=False)
        return scored[np.sort(chosen)]

    def _n_pairs(self, scored: Ratings) -> int:
        return min(self.spec.n_pairs, len(scored))

    def _planned(self, task: Task) -> list[str]:
        test, shots = self._split(0).test, None
        if task.backend is not None:
            shots = self._backend(task).shots
        evaluations = len(test) if shots is None else self._n_pairs(test)
        candidates = int(np.prod([len(values) for values in task.entry.grid.values()]))
        said = [task.name, task.entry.recommender, "-" if shots is None else str(shots)]
        return [*said, str(evaluations), str(candidates)]

    def _heading(self) -> list[str]:
        """Return the lines that say on what the figures stand."""
        spec, data = self.spec, self.described
        split_form = ", ".join(f"{key} {value}" for key, value in spec.split.items())
        return [
            f"{spec.name}: {spec.title}",
            f"data set {data['name']}: {data['n_ratings']} ratings, {data['n_users']} users, "
            f"{data['n_items']} items",
            f"split: {split_form}; seed {spec.seed}; repeats {spec.repeats}",
        ]

    def _fit_seed(self, entry: Entry, repeat: int) -> int:
        return child_seed(self.spec.seed, "repeat", repeat, "fit", entry.label)


EXPERIMENT = Comparison
