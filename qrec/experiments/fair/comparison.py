"""`kind: fair_comparison`: how good can quantum and hybrid recommenders be, and why?

Every recommender is fitted and scored under the same protocols; its difference from the best
classical row, from the biases and from its controls has an interval, and what the controls have
in the place of its quantum part says whether that part helped. A repeat is one seed or fold of a
protocol; a fit with its predictions is a step, after the fits of the models it is built on.
"""

import time
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from qrec.analysis.figures import Figure
from qrec.analysis.learning import learning_figure
from qrec.analysis.table import Table
from qrec.data import Ratings, Split
from qrec.data.splits import PUBLISHED, TIMED
from qrec.errors import ConfigError
from qrec.experiments.base import Ask, Have, Step
from qrec.experiments.comparison.fitting import FitRow, histories, history_of
from qrec.experiments.comparison.tuning import TunedExperiment
from qrec.experiments.fair.cost import cost_rows, execution_seconds, numbers_kept
from qrec.experiments.fair.differences import Differences, Scored
from qrec.experiments.fair.figure import forest_figure
from qrec.experiments.fair.rows import FittedRow
from qrec.experiments.fair.spec import FairComparisonSpec, FairEntry, Protocol, Repeat
from qrec.experiments.fair.tables import fair_answer, fair_tables
from qrec.experiments.members import RecommendersExperiment
from qrec.recommenders.base import Recommender
from qrec.recommenders.bias import UserItemBias
from qrec.recommenders.quantum import QuantumRecommender
from qrec.runs.outcomes import Outcome, only_row
from qrec.seeds import child_seed
from qrec.types import Row, of_type

_OWN_SPLITS = "ml-100k"  # the data set that is published with splits


class FairComparison(RecommendersExperiment, TunedExperiment):
    """See `FairComparisonSpec`."""

    Spec = FairComparisonSpec
    rows_of = (FittedRow,)
    spec: FairComparisonSpec
    example: ClassVar[Mapping[str, Any]] = {
        "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
        "protocols": [
            {"label": "random", "split": {"kind": "random"}, "seeds": 2},
            {"label": "little", "split": {"kind": "random", "train_share": 0.5}},
            {"label": "official", "folds": [{"kind": "u1"}, {"kind": "u2"}]},
        ],
        "recommenders": [
            {"label": "bias", "recommender": "bias"},
            {"label": "als", "recommender": "als", "params": {"n_factors": 2}},
            {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"},
             "control": {"als": "its own base"}},
        ],
    }  # fmt: skip
    _recorded_left_out: Mapping[str, str] | None = None  # as the run began

    def steps(self) -> list[Step]:
        steps = []
        for repeat in self.repeats:
            steps.append(Step(repeat.step, partial(self._pairs, repeat)))
            for entry in self.spec.recommenders:
                if self.spec.takes_part(entry.label, repeat.group):
                    after = dict.fromkeys(self._bases(entry, repeat).values())
                    do = partial(self._fit, entry, repeat)
                    steps.append(Step(_step(repeat, entry.label), do, tuple(after)))
        return steps

    def rows(self, outcomes: Have) -> list[Row]:
        found: list[Differences] = []
        rows: list[list[Row]] = [[], [], [], []]
        for protocol in self.protocols:
            scored = [self._scored(repeat, outcomes) for repeat in protocol.repeats]
            found.append(Differences(self.spec, protocol.repeats, scored, next(iter(found), None)))
            rows[0] += found[-1].fair_rows()
            rows[1] += found[-1].difference_rows()
            rows[2].append(found[-1].choice())
        rows[2] += found[0].bucket_rows()
        fitted = [row for outcome in outcomes.values() for row in of_type(FittedRow, outcome.rows)]
        n_ratings = int(self.described["n_ratings"])
        rows[3] += cost_rows(self.spec, self.protocols[0], fitted, rows[2], n_ratings)
        return [row for kind in rows for row in kind]

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        return fair_tables(self.spec, self.protocols, self.described, self.left_out, rows)

    def answer(self, rows: Sequence[Row], outcomes: Have) -> list[str]:
        return fair_answer(self.spec, self.protocols[0], rows)

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        drawn = {"differences": forest_figure(self.protocols[0].label, rows)}
        first = self.repeats[0]
        fits = {
            entry.label: _step(first, entry.label)
            for entry in self.spec.recommenders
            if self.spec.takes_part(entry.label, first.group)
        }
        learning = learning_figure(histories(fits, outcomes))
        return drawn | ({"learning": learning} if learning else {})

    def details(self) -> dict[str, Any]:
        return {
            "dataset": self.summary,
            "splits": {repeat.step: self._split(repeat).sizes for repeat in self.repeats},
            "left_out": dict(self.left_out),
        }

    def use_recorded(self, details: Mapping[str, Any]) -> None:
        super().use_recorded(details)
        left_out, known = details.get("left_out"), [p.label for p in self.spec.protocols]
        if not isinstance(left_out, dict) or not set(left_out) < set(known):
            raise ConfigError(
                f"details.left_out: found {left_out!r}, expected what the record of a run says of "
                "protocols that its data set does not allow"
            )
        self._recorded_left_out = left_out

    @property
    def left_out(self) -> Mapping[str, str]:
        """The protocols that the data set does not allow, with what it lacks."""
        if self._recorded_left_out is None:
            self._recorded_left_out = self._find_left_out()
        return self._recorded_left_out

    @property
    def protocols(self) -> list[Protocol]:
        """The protocols that the data set allows, the main one first."""
        return [p for p in self.spec.protocols if p.label not in self.left_out]

    @property
    def repeats(self) -> list[Repeat]:
        """All seeds and folds of all protocols."""
        return [repeat for protocol in self.protocols for repeat in protocol.repeats]

    def tuning_split(self) -> Split:
        return self._split(self.repeats[0])

    def _find_left_out(self) -> dict[str, str]:
        found = {}
        for protocol in self.spec.protocols:
            kinds = {form["kind"] for form in protocol.forms}
            if kinds & set(PUBLISHED) and self.spec.dataset["name"] != _OWN_SPLITS:
                found[protocol.label] = f"the splits of {_OWN_SPLITS}"
            elif kinds & set(TIMED) and self.ratings.timestamp is None:
                found[protocol.label] = "timestamps"
        if len(found) == len(self.spec.protocols):
            raise ConfigError(
                f"protocols: data set {self.spec.dataset['name']!r} lacks what each needs: "
                f"{', '.join(dict.fromkeys(found.values()))}"
            )
        return found

    def _pairs(self, repeat: Repeat, ask: Ask, have: Have) -> Outcome:
        """Store the pairs of a repeat, and what the biases alone say of them, new users' too."""
        parts = self._split(repeat)
        biases, known = UserItemBias().fit(parts.train), np.bincount(parts.train.user)
        known = np.pad(known, (0, parts.ratings.n_users - len(known)))
        biases.user_bias_[known == 0] = biases.typical_user_bias_
        arrays: dict[str, NDArray[Any]] = {
            "n_train": np.array(len(parts.train)),
            "train_counts": known[parts.test.user],
        }
        for name, part in (("test", parts.test), ("validation", _validation(parts))):
            clipped = np.clip(biases.offset(part.user, part.item), *part.scale)
            arrays |= {f"{name}_user": part.user, f"{name}_truth": part.value}
            arrays[f"{name}_biases"] = clipped
        return Outcome(arrays=arrays)

    def _fit(self, entry: FairEntry, repeat: Repeat, ask: Ask, have: Have) -> Outcome:
        parts, bases = self._split(repeat), self._bases(entry, repeat)
        seed = child_seed(self.spec.seed, "repeat", repeat.seed, "fit", entry.label)
        outcome = self.fit_entry(entry, repeat.seed, parts, seed, bases, ask, have)
        model, noted = outcome.model, only_row(outcome, FitRow)
        begun = time.perf_counter()
        predicted = {"test": model.predict(parts.test)}
        taken = time.perf_counter() - begun
        if parts.validation is not None:
            predicted["validation"] = model.predict(parts.validation)
        row = FittedRow(
            recommender=entry.label,
            protocol=repeat.protocol,
            seed=repeat.seed,
            chosen=noted.chosen,
            fit_seconds=noted.fit_seconds,
            predict_seconds=taken,
            parameters=numbers_kept(model),
            **self._circuit(model, repeat),
        )
        referred = {name for other in self.spec.recommenders for name in other.references.values()}
        predicted |= history_of(model)
        return Outcome([row], predicted, model if entry.label in referred else None)

    def _circuit(self, model: Recommender, repeat: Repeat) -> dict[str, Any]:
        """Return what a model's circuit takes on the device; it is the same in every repeat."""
        if repeat != self.repeats[0] or not isinstance(model, QuantumRecommender):
            return {"qubits": None, "execution_seconds": None}
        circuit = model.fitted_circuit()
        return {
            "qubits": circuit.num_qubits,
            "execution_seconds": execution_seconds(circuit, self.spec.device),
        }

    def _scored(self, repeat: Repeat, outcomes: Have) -> Scored:
        labels = [
            e.label for e in self.spec.recommenders if self.spec.takes_part(e.label, repeat.group)
        ]
        pairs = outcomes[repeat.step].arrays
        predicted = {label: outcomes[_step(repeat, label)].arrays for label in labels}
        has_validation = len(pairs["validation_truth"]) > 0
        validation = predicted if has_validation else {}
        return Scored(
            user=pairs["test_user"],
            truth=pairs["test_truth"],
            train_counts=pairs["train_counts"],
            n_train=int(pairs["n_train"]),
            test={label: arrays["test"] for label, arrays in predicted.items()},
            test_biases=pairs["test_biases"],
            validation_truth=pairs["validation_truth"],
            validation={label: arrays["validation"] for label, arrays in validation.items()},
            validation_biases=pairs["validation_biases"],
        )

    def _bases(self, entry: FairEntry, repeat: Repeat) -> dict[str, str]:
        return {name: _step(repeat, label) for name, label in entry.references.items()}

    def _split(self, repeat: Repeat) -> Split:
        if repeat.step not in self._parts:
            seed = child_seed(self.spec.seed, "repeat", repeat.seed, "split")
            self._parts[repeat.step] = parts = self.split_by(repeat.form, seed)
            if parts.validation is None and repeat.group == self.protocols[0].label:
                raise ConfigError(
                    f"protocols.{repeat.group}: the best classical row is chosen on its validation "
                    "part, but the split leaves none"
                )
        return self._parts[repeat.step]

    @cached_property
    def _parts(self) -> dict[str, Split]:
        return {}


def _step(repeat: Repeat, label: str) -> str:
    return f"{repeat.step}.{label}"


def _validation(parts: Split) -> Ratings:
    """Return the validation part, empty where the split leaves none."""
    return parts.ratings[parts.validation_rows]


EXPERIMENT = FairComparison
