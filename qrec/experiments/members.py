"""The recommenders of experiments that lay predictions side by side, without shots."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator

from qrec.backends.base import Backend
from qrec.data import Split
from qrec.errors import ConfigError
from qrec.experiments.base import Ask, Have
from qrec.experiments.comparison.fitting import fit
from qrec.experiments.comparison.spec import Entry, check_entries, family
from qrec.experiments.observed import (
    DatasetExperiment,
    DatasetSpec,
    ObservedExperiment,
    ObservedSpec,
)
from qrec.recommenders.base import Recommender
from qrec.recommenders.parameters import is_backend
from qrec.runs.outcomes import Outcome


class RecommendersSpec(DatasetSpec):
    """A list of recommenders, as in a comparison; a backend is one of their parameters."""

    recommenders: Annotated[list[Entry], Field(min_length=1)]

    @field_validator("recommenders")
    @classmethod
    def _known(cls, entries: list[Entry]) -> list[Entry]:
        for entry in entries:
            if entry.backends or entry.scored_on != "test":
                raise ConfigError(
                    f"recommenders.{entry.label}: here a recommender predicts held-out ratings on "
                    "the one backend that its params name; expected neither backends nor scored_on"
                )
        check_entries(entries)
        return entries

    def entry(self, label: str) -> Entry:
        """Return the entry with this label."""
        return next(entry for entry in self.recommenders if entry.label == label)

    def family(self, label: str) -> str:
        """Return whether an entry is classical, quantum, or a hybrid built on a quantum one."""
        return family(self.entry(label), self.entry)

    def is_quantum(self, label: str) -> bool:
        """Return whether an entry predicts by circuits, trains on them, or is built on such."""
        return self.family(label) != "classical"


class MembersSpec(ObservedSpec, RecommendersSpec):
    """Such a list, on one split."""


class RecommendersExperiment(DatasetExperiment):
    """Base of the experiments whose steps fit one recommender each and predict with it."""

    spec: RecommendersSpec

    def backend_names(self) -> list[str]:
        named = [
            value
            for entry in self.spec.recommenders
            for name, value in entry.candidates
            if is_backend(name)
        ]
        return list(dict.fromkeys(named))

    def open(self, name: str) -> Backend:
        backend = super().open(name)
        if backend.shots is not None:
            raise ConfigError(
                f"backend {name!r} has shots: {backend.shots}; what shots do to a prediction is "
                "asked by kind comparison; expected one without, such as exact or exact_noisy"
            )
        return backend

    def fit_entry(
        self, entry: Entry, repeat: int, parts: Split, seed: int, bases: Mapping[str, str],
        ask: Ask, have: Have,
    ) -> Outcome:  # fmt: skip
        """Return an entry's fitted recommender with the row of its fit.

        `bases` says by which step's model a parameter is to be replaced.
        """
        models = {name: have[step].model for name, step in bases.items()}
        return fit(entry, repeat, parts, models, lambda name: ask.wrap(self.backend(name)), seed)

    def fitted(
        self, entry: Entry, parts: Split, seed: int, bases: Mapping[str, str], ask: Ask, have: Have
    ) -> Recommender:
        """Return the fitted recommender of an entry; `bases` as in `fit_entry`."""
        found: Recommender = self.fit_entry(entry, 0, parts, seed, bases, ask, have).model
        return found


class MembersExperiment(ObservedExperiment, RecommendersExperiment):
    """Base of those that do so on one split."""

    spec: MembersSpec
