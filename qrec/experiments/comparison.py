"""`kind: comparison`: recommenders on the same split, each on its backends, in one table."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qrec.analysis.accuracy import accuracy_table, cost_table, same_pairs_table
from qrec.analysis.plots import error_figure
from qrec.analysis.rows import comparison_rows, write_csv
from qrec.analysis.table import Table
from qrec.backends import open_backend
from qrec.backends.base import Backend, Unit
from qrec.backends.readings import read
from qrec.data import Ratings, Split
from qrec.experiments._asking import gate_counts, prepared, raw_results
from qrec.experiments._base import BaseExperiment, Places, Results
from qrec.experiments._entries import ComparisonSpec, Entry
from qrec.experiments._fitting import Fitted, build
from qrec.experiments._objectives import Objectives, objectives_table
from qrec.experiments._observed import check_same, summarise
from qrec.recommenders.base import Recommender
from qrec.recommenders.quantum import QuantumRecommender
from qrec.runs.folder import RunFolder, Sample
from qrec.runs.progress import Report
from qrec.seeds import child_seed

_CIRCUIT_RATINGS = 500  # enough to build a circuit, whose form hangs on hyper-parameters alone


@dataclass(frozen=True)
class Task:
    """One row of one repeat: a recommender's predictions, on a backend if it is quantum."""

    entry: Entry
    backend: str | None
    repeat: int

    @property
    def name(self) -> str:
        return f"{self.entry.label}.{self.backend or 'classical'}.r{self.repeat}"


class Comparison(BaseExperiment):
    """See `ComparisonSpec`."""

    spec: ComparisonSpec

    def __init__(self, spec: ComparisonSpec, places: Places) -> None:
        super().__init__(spec, places)
        self._settings: dict[str, Any] = {}  # those recorded when the run began
        self._opened: dict[str, Backend] = {}
        self.objectives = Objectives(spec.objectives, spec.seed)

    def tasks(self) -> list[Task]:
        """Return all tasks, in the order in which they are done and shown."""
        return [
            Task(entry, backend, repeat)
            for repeat in range(self.spec.repeats)
            for entry in self.spec.recommenders
            for backend in (entry.backends or ["exact"] if entry.is_quantum else [None])
        ]

    def details(self) -> dict[str, Any]:
        return {
            "dataset": self._summary(),
            "split": self._split(0).sizes,
            "seeds": {
                f"repeat {repeat}": {name: self._seed(repeat, name) for name in ("split", "pairs")}
                for repeat in range(self.spec.repeats)
            },
        }

    def backends(self) -> dict[str, Backend]:
        return {name: self.backend(name) for name in self._backend_names()}

    def execute(self, folder: RunFolder, report: Report) -> None:
        self.use_recorded(folder)
        tasks = self.tasks()
        for repeat in range(self.spec.repeats):
            todo = [t for t in tasks if t.repeat == repeat and not folder.has_sample(t.name)]
            if todo:
                parts = self._split(repeat)
                fitted = Fitted(self.spec, repeat, parts, folder)
            for task in todo:
                step = partial(report, done=tasks.index(task), total=len(tasks))
                step(task.name)
                folder.write_sample(task.name, self._sample(task, parts, fitted, folder, step))
        rows = comparison_rows(self._samples(folder))
        write_csv(folder.path / "gates.csv", _gate_rows(self._samples(folder)))
        self._measure_objectives(folder, partial(report, done=len(tasks), total=len(tasks)))
        write_csv(folder.results_path, [row.as_dict() for row in rows])

    def units(self, folder: RunFolder, report: Report) -> dict[str, dict[str, list[Unit]]]:
        """Fit what must be fitted; return what is asked, backend -> task -> units."""
        self.use_recorded(folder)
        asked: dict[str, dict[str, list[Unit]]] = {name: {} for name in self._backend_names()}
        tasks = self.tasks()
        for repeat in range(self.spec.repeats):
            parts = self._split(repeat)
            fitted = Fitted(self.spec, repeat, parts, folder)
            for task in tasks:
                if task.repeat == repeat and task.backend is not None:
                    report(f"preparing {task.name}", tasks.index(task), len(tasks))
                    model = fitted.model(task.entry)
                    assert isinstance(model, QuantumRecommender)
                    workloads = model.workloads(self._pairs(task, parts), key=task.name)
                    place = self.backend(task.backend)
                    asked[place.name][task.name] = prepared(task.name, workloads, place, folder)
        for wanted in self.objectives.tasks():
            place = self.backend(wanted.backend)
            workloads = [self.objectives.workload(wanted, folder)]
            asked[place.name][wanted.name] = prepared(wanted.name, workloads, place, folder)
        return asked

    def backend(self, name: str) -> Backend:
        """Return a backend of this experiment, as it was when the run began."""
        if name not in self._opened:
            source = self._settings.get(name, name)
            self._opened[name] = open_backend(source, file=self.places.backends_file)
        return self._opened[name]

    def results(self, folder: RunFolder) -> Results:
        details = folder.record().details
        rows = comparison_rows(self._samples(folder))
        tables = [
            accuracy_table(self._heading(details), rows),
            same_pairs_table(rows),
            cost_table(rows),
        ]
        objectives = self.objectives.rows(folder)
        others = {"objectives": objectives} if objectives else {}
        tables.append(objectives_table(objectives))
        plain = [row.as_dict() for row in rows]
        return Results(plain, [t for t in tables if t.rows], [error_figure(rows)], others)

    def plan(self) -> Table:
        n_test = len(self._split(0).test)
        rows = []
        for task in self.tasks():
            backend = None if task.backend is None else self.backend(task.backend)
            sampled = backend is not None and backend.shots is not None
            rows.append(
                [
                    task.name,
                    task.entry.recommender,
                    str(backend.shots) if backend and sampled else "-",
                    str(min(self.spec.n_pairs, n_test) if sampled else n_test),
                    str(int(np.prod([len(v) for v in task.entry.grid.values()]))),
                ]
            )
        for objective in self.objectives.tasks():
            shots = self.backend(objective.backend).shots
            n = str(objective.entry.n_evaluations)
            rows.append([objective.name, "-", "-" if shots is None else str(shots), n, "-"])
        columns = ["task", "recommender", "shots", "evaluations", "candidates"]
        title = f"{self.spec.name}: what would be done; nothing was"
        return Table(title, columns, rows, n_text=2)

    def circuits(self) -> dict[str, QuantumCircuit]:
        few = self.ratings[np.arange(min(_CIRCUIT_RATINGS, len(self.ratings)))]
        models: dict[str, Recommender] = {}
        for entry in self.spec.recommenders:
            bases = {name: models[label] for name, label in entry.references.items()}
            models[entry.label] = build(entry, entry.params, bases, seed=0)
        quantum = {k: m for k, m in models.items() if isinstance(m, QuantumRecommender)}
        circuits = {k: model.fit(few, validation=few).circuit() for k, model in quantum.items()}
        return circuits | self.objectives.circuits()

    @cached_property
    def ratings(self) -> Ratings:
        """The ratings of the experiment's data set."""
        return self.spec.load(self.places.data_dir)

    def _sample(
        self,
        task: Task,
        parts: Split,
        fitted: Fitted,
        folder: RunFolder,
        step: Callable[[str], None],
    ) -> Sample:
        model = fitted.model(task.entry)
        pairs = self._pairs(task, parts)
        begun = time.perf_counter()
        if task.backend is None:
            prediction, circuits = model.predict(pairs), None
        else:
            assert isinstance(model, QuantumRecommender)
            prediction, circuits = self._measure(task, model, pairs, folder, step)
        seconds = time.perf_counter() - begun
        notes = {
            "place": self.tasks().index(task),
            "recommender": task.entry.label,
            "class": task.entry.recommender,
            "family": self.spec.family(task.entry),
            "backend": task.backend,
            "shots": None if task.backend is None else self.backend(task.backend).shots,
            "repeat": task.repeat,
            "scored_on": task.entry.scored_on,
            "noise_floor": pairs.noise_floor,
            "predict_seconds": seconds,
            "circuits": circuits,
        }
        notes |= fitted.notes(task.entry)
        return Sample(pairs.user, pairs.item, pairs.value, prediction, notes)

    def _measure(
        self,
        task: Task,
        model: QuantumRecommender,
        pairs: Ratings,
        folder: RunFolder,
        step: Callable[[str], None],
    ) -> tuple[NDArray[np.float64], dict[str, Any] | None]:
        """Plan, execute and read, beginning where the raw result is not stored already."""
        assert task.backend is not None
        workloads = model.workloads(pairs, key=task.name)
        raws = raw_results(task.name, workloads, self.backend(task.backend), folder, step)
        readings = [read(*pair) for pair in zip(workloads, raws, strict=True)]
        counts = gate_counts(task.name, folder) if workloads else None
        return model.combine(pairs, readings), counts

    def _measure_objectives(self, folder: RunFolder, step: Callable[[str], None]) -> None:
        for task in self.objectives.tasks():
            workloads = [self.objectives.workload(task, folder)]
            raw_results(task.name, workloads, self.backend(task.backend), folder, step)
        if rows := self.objectives.rows(folder):
            write_csv(folder.path / "objectives.csv", rows)

    def _pairs(self, task: Task, parts: Split) -> Ratings:
        """Return the observed ratings a task is scored on."""
        scored = {"test": parts.test, "train": parts.train, "all": parts.ratings}[
            task.entry.scored_on
        ]
        if task.backend is None or self.backend(task.backend).shots is None:
            return scored
        draw = np.random.default_rng(self._seed(task.repeat, "pairs"))
        n = min(self.spec.n_pairs, len(scored))
        return scored[np.sort(draw.choice(len(scored), n, replace=False))]

    def _split(self, repeat: int) -> Split:
        seed = self._seed(repeat, "split")
        return self.spec.parts(self.ratings, seed, self.places.data_dir)

    def _seed(self, repeat: int, name: str) -> int:
        return child_seed(self.spec.seed, "repeat", repeat, name)

    def _backend_names(self) -> list[str]:
        names = [task.backend for task in self.tasks() if task.backend is not None]
        names += [task.backend for task in self.objectives.tasks()]
        return list(dict.fromkeys(names))

    def _samples(self, folder: RunFolder) -> list[Sample]:
        return [folder.sample(task.name) for task in self.tasks()]

    def use_recorded(self, folder: RunFolder) -> None:
        """Take the run's recorded backends, and refuse other ratings than it began with."""
        self._check_record(folder.record().details)
        for name, snapshot in folder.snapshots().items():
            self.backend(name).pin(snapshot)

    def _check_record(self, details: dict[str, Any]) -> None:
        check_same(self._summary(), details["dataset"])
        self._settings = {name: entry["spec"] for name, entry in details["backends"].items()}

    def _summary(self) -> dict[str, Any]:
        return summarise(self.spec.dataset["name"], self.ratings)

    def _heading(self, details: dict[str, Any]) -> list[str]:
        data, spec = details["dataset"], self.spec
        split_form = ", ".join(f"{key} {value}" for key, value in spec.split.items())
        return [
            f"{spec.name}: {spec.title}",
            f"data set {data['name']}: {data['n_ratings']} ratings, {data['n_users']} users, "
            f"{data['n_items']} items",
            f"split: {split_form}; seed {spec.seed}; repeats {spec.repeats}",
        ]


def _gate_rows(samples: list[Sample]) -> list[dict[str, Any]]:
    return [
        {k: sample.notes[k] for k in ("recommender", "backend", "repeat")} | {"stage": stage} | of
        for sample in samples
        for stage, of in (sample.notes["circuits"] or {}).items()
    ]


SPEC = ComparisonSpec
EXPERIMENT = Comparison
