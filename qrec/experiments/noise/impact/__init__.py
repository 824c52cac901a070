"""`kind: noise_impact`: which part of a device's noise hurts which recommender, and what helps?

Every quantum recommender is fitted once, without noise, and predicts the same pairs without
noise, under each part of the device's alone, under all of it at several strengths, mitigated, on
other devices and on further backends. On the exact engine these are infinitely many shots, and
the variance that one shot has says what fewer would do: no draw of shots is in an answer.
"""

import time
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
from qiskit import QuantumCircuit

from qrec.analysis.figures import Figure
from qrec.analysis.samples import Sample, sample_of
from qrec.analysis.table import Table
from qrec.backends import noiseless, open_backend
from qrec.backends.base import Backend
from qrec.backends.device.snapshots import fake_devices
from qrec.backends.kinds.exact import ExactSpec
from qrec.backends.open import backend_spec
from qrec.data import Ratings
from qrec.errors import ConfigError
from qrec.experiments.base import Ask, Experiment, Have, Size, Step
from qrec.experiments.comparison.fitting import FitRow, build
from qrec.experiments.comparison.spec import Entry
from qrec.experiments.fair.cost import execution_seconds
from qrec.experiments.members import MembersExperiment
from qrec.experiments.noise.impact.answers import impact_answer
from qrec.experiments.noise.impact.figures import impact_figures
from qrec.experiments.noise.impact.mitigation import mitigated
from qrec.experiments.noise.impact.readings import ask_with_variance, predictions
from qrec.experiments.noise.impact.results import Predicted, impact_rows
from qrec.experiments.noise.impact.rows import PredictedRow
from qrec.experiments.noise.impact.spec import NONE, NoiseImpactSpec
from qrec.experiments.noise.impact.tables import impact_tables
from qrec.experiments.noise.impact.variants import (
    BACKEND,
    CLASSICAL,
    CLASSICALLY,
    EXACT,
    UNMITIGATED,
    Variant,
    noise_of,
    variants,
)
from qrec.recommenders.base import Recommender
from qrec.recommenders.quantum import QuantumRecommender
from qrec.runs.outcomes import Arrays, Outcome, only_row
from qrec.types import Row

_CIRCUIT_RATINGS = 500  # enough to build a circuit, whose form hangs on hyper-parameters alone


class NoiseImpact(MembersExperiment):
    """See `NoiseImpactSpec`."""

    Spec = NoiseImpactSpec
    rows_of = (FitRow, PredictedRow)
    spec: NoiseImpactSpec
    example: ClassVar[Mapping[str, Any]] = {
        "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
        "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
        "recommenders": [
            {"label": "bias", "recommender": "bias"},
            {"label": "als", "recommender": "als", "params": {"n_factors": 2}},
            {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"}},
        ],
        "n_pairs": 20, "sources": ["readout", "two_qubit"], "scales": [0.0, 1.0],
        "shots": [16, 256], "n_calibration": 20,
        "devices": ["fake:FakeManilaV2"], "backends": ["cheap"],
    }  # fmt: skip

    def steps(self) -> list[Step]:
        steps = []
        for entry in self.spec.recommenders:
            bases = dict.fromkeys(map(_fit_name, entry.references.values()))
            steps.append(Step(_fit_name(entry.label), partial(self._fit, entry), tuple(bases)))
            for variant in self._variants_of(entry):
                do = partial(self._predict, entry, variant)
                steps.append(Step(_name(entry, variant), do, (_fit_name(entry.label),)))
        return steps

    def rows(self, outcomes: Have) -> list[Row]:
        return impact_rows(self.spec, self._predicted(outcomes))

    def samples(self, outcomes: Have) -> list[Sample]:
        found: list[Sample] = []
        for one in self._predicted(outcomes):
            fitted = only_row(outcomes[_fit_name(one.entry.label)], FitRow)
            notes = fitted.as_dict() | one.noted.as_dict() | {
                "place": len(found),
                "backend": None if one.variant.section == CLASSICAL else one.variant.name,
                "class": one.entry.recommender,
                "family": self.spec.family(one.entry.label),
                "scored_on": "test",
            }  # fmt: skip
            arrays = {k: one.arrays[k] for k in ("user", "item", "truth", "prediction")}
            found.append(sample_of(arrays, notes, one.where))
        return found

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        return impact_tables(self.spec, self.described, rows)

    def answer(self, rows: Sequence[Row], outcomes: Have) -> list[str]:
        return impact_answer(rows)

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        return impact_figures(rows)

    def details(self) -> dict[str, Any]:
        return {"dataset": self.summary, "split": self._split(0).sizes}

    def backend_names(self) -> list[str]:
        asked = [v.backend for v in self._variants if v.backend != EXACT]
        return list(dict.fromkeys([*super().backend_names(), *asked]))

    def open(self, name: str) -> Backend:
        own = {v.backend: v for v in self._variants if v.fields}
        if name not in own:
            further = name in self.spec.backends  # those may take shots
            return Experiment.open(self, name) if further else super().open(name)
        entry = self._device_spec
        scheduled = entry.scheduling_method or "alap"  # without it, qubits that wait keep still
        fields = {"scheduling_method": scheduled, **own[name].fields}
        return open_backend(self.spec.device, file=self.places.backends_file, **fields)

    def sizes(self) -> list[Size]:
        steps = frozenset(
            _name(entry, variant)
            for entry in self.spec.recommenders
            for variant in self._variants_of(entry)
            if variant.section == BACKEND and self.backend(variant.backend).shots is not None
        )
        return [Size("n_pairs", len(self._pairs), steps)]

    def circuits(self) -> dict[str, QuantumCircuit]:
        few = self.ratings[np.arange(min(_CIRCUIT_RATINGS, len(self.ratings)))]
        models: dict[str, Recommender] = {}
        for entry in self.spec.recommenders:
            bases = {name: models[label] for name, label in entry.references.items()}
            models[entry.label] = build(entry, {}, bases, lambda _: noiseless(), seed=0)
        quantum = {k: m for k, m in models.items() if isinstance(m, QuantumRecommender)}
        return {k: model.fit(few, validation=few).fitted_circuit() for k, model in quantum.items()}

    def _fit(self, entry: Entry, ask: Ask, have: Have) -> Outcome:
        bases = {name: _fit_name(label) for name, label in entry.references.items()}
        seed = self._seed(0, "fit", entry.label)  # as a comparison fits it
        return self.fit_entry(entry, 0, self._split(0), seed, bases, ask, have)

    def _predict(self, entry: Entry, variant: Variant, ask: Ask, have: Have) -> Outcome:
        model, pairs, begun = have[_fit_name(entry.label)].model, self._pairs, time.perf_counter()
        backend = None if variant.section == CLASSICAL else self._backend(variant)
        noted: dict[str, Any] = {
            "evaluations": 0, "n_circuits": 1, "calibration": 0, "circuits": None,
        }  # fmt: skip
        if backend is None:
            arrays: Arrays = {"prediction": model.predict(pairs)}
        else:
            workloads = model.workloads(pairs, key=_name(entry, variant))
            noted["evaluations"] = sum(map(len, workloads))
            if not backend.answers_at_once:
                arrays = {"prediction": model.combine(pairs, ask(backend, workloads))}
            elif variant.mitigation == NONE:
                found = ask_with_variance(ask, backend, workloads)
                arrays = predictions(model, pairs, found)
            else:
                line = model.workloads(self._calibration, key="line")
                mended = mitigated(variant.mitigation, ask, backend, workloads, line)
                arrays = predictions(model, pairs, mended.readings)
                noted |= {"n_circuits": mended.n_circuits, "calibration": mended.calibration}
            noted["circuits"] = ask.costs[0] if workloads else None
        paid = backend is not None and backend.costs
        source, scale = variant.source, variant.scale
        if variant.section == BACKEND and backend is not None:
            source, scale = noise_of(backend)
        row = PredictedRow(
            recommender=entry.label,
            source=source,
            scale=scale,
            backend=None if backend is None else variant.backend,
            shots=None if backend is None else backend.shots,
            noise_floor=pairs.noise_floor,
            predict_seconds=None if paid else time.perf_counter() - begun,
            calibrated=None if backend is None or backend.pinned is None else backend.pinned.date,
            device=None if backend is None or backend.pinned is None else backend.pinned.name,
            execution_seconds=self._execution_seconds(model, variant),
            rating_scale=pairs.scale,
            **noted,
        )
        columns: Arrays = {"user": pairs.user, "item": pairs.item, "truth": pairs.value}
        return Outcome([row], {**columns, **arrays})

    @cached_property
    def _pairs(self) -> Ratings:
        """The test pairs that all rows are on."""
        test = self._split(0).test
        draw = np.random.default_rng(self._seed(0, "pairs"))
        n_pairs = min(self.spec.n_pairs, len(test))
        return test[np.sort(draw.choice(len(test), n_pairs, replace=False))]

    @cached_property
    def _calibration(self) -> Ratings:
        """The training pairs that a line is fitted on."""
        train = self._split(0).train
        draw = np.random.default_rng(self._seed(0, "calibration"))
        n_pairs = min(self.spec.n_calibration, len(train))
        return train[np.sort(draw.choice(len(train), n_pairs, replace=False))]

    @cached_property
    def _variants(self) -> list[Variant]:
        return variants(self.spec, self._devices)

    def _variants_of(self, entry: Entry) -> list[Variant]:
        return self._variants if entry.is_quantum else [CLASSICALLY]

    @cached_property
    def _devices(self) -> list[str]:
        """The snapshots to run across, patterns replaced by what they stand for."""
        found: list[str] = []
        for name in self.spec.devices:
            some = "*" in name or "?" in name
            found += [d.source for d in fake_devices(name, self._widest)] if some else [name]
        return list(dict.fromkeys(found))

    @cached_property
    def _widest(self) -> int:
        """The qubits that every circuit has room on."""
        return max(int(circuit.num_qubits) for circuit in self.circuits().values())

    @cached_property
    def _device_spec(self) -> ExactSpec:
        spec = backend_spec(self.spec.device, self.places.backends_file)
        if not isinstance(spec, ExactSpec) or spec.snapshot is None or spec.shots is not None:
            raise ConfigError(
                f"device: found {self.spec.device!r}; expected an entry of kind exact with a "
                "snapshot and without shots, such as exact_noisy"
            )
        return spec

    def _backend(self, variant: Variant) -> Backend:
        return noiseless() if variant.backend == EXACT else self.backend(variant.backend)

    def _execution_seconds(self, model: Recommender, variant: Variant) -> float | None:
        """Return what one execution takes on the experiment's device, noted once for each row."""
        if variant.name != UNMITIGATED or not isinstance(model, QuantumRecommender):
            return None
        assert self._device_spec.snapshot is not None  # it sees to that
        return execution_seconds(model.fitted_circuit(), self._device_spec.snapshot)

    def _predicted(self, outcomes: Have) -> list[Predicted]:
        return [
            Predicted(
                entry, variant, only_row(outcome, PredictedRow), outcome.arrays, outcome.where
            )
            for entry in self.spec.recommenders
            for variant in self._variants_of(entry)
            for outcome in [outcomes[_name(entry, variant)]]
        ]


def _fit_name(label: str) -> str:
    return f"{label}.fit"


def _name(entry: Entry, variant: Variant) -> str:
    """Return the name of the step that predicts, by which its shots are seeded."""
    return f"{entry.label}.{variant.name}"


EXPERIMENT = NoiseImpact
