"""The ratings of an experiment: what is recorded of them, and that parts stay apart."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from itertools import combinations
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, field_validator

from qrec.config import ExperimentSpec
from qrec.data import Ratings, Split, load_ratings
from qrec.data import split as split_ratings
from qrec.data.dataset import find_dataset
from qrec.data.splits import split_names
from qrec.errors import ConfigError, DataError
from qrec.experiments.base import Experiment
from qrec.registry import check_name
from qrec.seeds import child_seed


def named(value: Any) -> Any:
    """A bare name stands for a mapping with that name and no options."""
    return {"name": value} if isinstance(value, str) else value


NAMED = BeforeValidator(named, json_schema_input_type=str | dict[str, Any])


class DatasetSpec(ExperimentSpec):
    """The field of experiments on observed ratings: a data set."""

    dataset: Annotated[dict[str, Any], NAMED]

    @field_validator("dataset")
    @classmethod
    def _check_dataset(cls, dataset: dict[str, Any]) -> dict[str, Any]:
        find_dataset(str(dataset.get("name")), " (in dataset.name)")
        return dataset


class ObservedSpec(DatasetSpec):
    """A data set and the one way in which it is split."""

    split: dict[str, Any]

    @field_validator("split")
    @classmethod
    def _check_split(cls, split: dict[str, Any]) -> dict[str, Any]:
        check_name(str(split.get("kind")), split_names(), "split (in split.kind)")
        return split


class DatasetExperiment(Experiment):
    """Base of the experiments on observed ratings."""

    spec: DatasetSpec
    _described: Mapping[str, Any] | None = None  # of the ratings, as the run began

    @cached_property
    def ratings(self) -> Ratings:
        """The ratings of the experiment's data set."""
        options = {key: value for key, value in self.spec.dataset.items() if key != "name"}
        name = self.spec.dataset["name"]
        return load_ratings(name, data_dir=self.places.data_dir, **options)

    def use_recorded(self, details: Mapping[str, Any]) -> None:
        super().use_recorded(details)
        recorded = details.get("dataset")
        if not isinstance(recorded, dict) or recorded.get("name") != self.spec.dataset["name"]:
            raise ConfigError(
                f"details.dataset: found {recorded!r}, expected what the record of a run says of "
                f"the data set {self.spec.dataset['name']!r}"
            )
        self._described = recorded

    @property
    def described(self) -> Mapping[str, Any]:
        """The `summary`; of a run that is looked at, its record's: that needs no ratings."""
        return self._described or self.summary

    def check_same(self, details: Mapping[str, Any]) -> None:
        found, expected = self.summary, details["dataset"]
        if found["sha256"] != expected["sha256"]:
            raise DataError(
                f"data set {found['name']!r}: found ratings of sha256 {found['sha256']}, expected "
                f"{expected['sha256']}, with which the run began"
            )

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What `record.json` says of the data set: size, licence, and a hash of it."""
        name, ratings, digest = self.spec.dataset["name"], self.ratings, hashlib.sha256()
        for column in (ratings.user, ratings.item, ratings.value):
            digest.update(np.ascontiguousarray(column).tobytes())
        for columns in ratings.features.sides().values() if ratings.features else ():
            for feature, entries in columns.items():
                digest.update(feature.encode() + np.ascontiguousarray(entries).tobytes())
        return {
            "name": name,
            "n_ratings": len(ratings),
            "n_users": ratings.n_users,
            "n_items": ratings.n_items,
            "scale": list(ratings.scale),
            "sha256": digest.hexdigest(),
            "licence": find_dataset(name).licence,
            "noise_floor": ratings.noise_floor,
        }

    def split_by(self, form: Mapping[str, Any], seed: int) -> Split:
        """Return the split of the ratings that a `form`, kind and options, names.

        Its parts share no pair.
        """
        options = {key: value for key, value in form.items() if key != "kind"}
        kind, data_dir = form["kind"], self.places.data_dir
        found = split_ratings(self.ratings, kind, seed=seed, data_dir=data_dir, **options)
        check_disjoint(found)
        return found


class ObservedExperiment(DatasetExperiment):
    """Base of those that split their ratings in one way."""

    spec: ObservedSpec

    def split(self, seed: int) -> Split:
        """Return the split of the ratings, whose parts share no pair."""
        return self.split_by(self.spec.split, seed)

    def _split(self, repeat: int) -> Split:
        """Return the split of a repeat."""
        if repeat not in self._splits:
            self._splits[repeat] = self.split(self._seed(repeat, "split"))
        return self._splits[repeat]

    @cached_property
    def _splits(self) -> dict[int, Split]:
        return {}

    def _seed(self, repeat: int, *names: str) -> int:
        return child_seed(self.spec.seed, "repeat", repeat, *names)


def check_disjoint(parts: Split) -> None:
    """Raise DataError where a pair of user and item stands in two parts of a split.

    Stronger than disjoint rows: a pair rated twice would carry its rating from one part to
    another.
    """
    codes = {
        name: part.user.astype(np.int64) * part.n_items + part.item
        for name in ("train", "validation", "test", "support")
        if (part := getattr(parts, name)) is not None
    }
    for a, b in combinations(codes, 2):
        shared = np.intersect1d(codes[a], codes[b])
        if len(shared):
            user, item = divmod(int(shared[0]), parts.ratings.n_items)
            raise DataError(
                f"{len(shared)} pairs stand in both {a} and {b}, the first being user code "
                f"{user}, item code {item}; expected disjoint parts"
            )
