"""The ratings of an experiment: what is recorded of them, and that parts stay apart."""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import BeforeValidator, model_validator

from qrec.config import ExperimentSpec
from qrec.data import Ratings, Split, load_ratings
from qrec.data import split as split_ratings
from qrec.data.dataset import find_dataset
from qrec.data.splits import split_names
from qrec.errors import DataError
from qrec.registry import check_name


def _named(value: Any) -> Any:
    """A bare name stands for a mapping with that name and no options."""
    return {"name": value} if isinstance(value, str) else value


class ObservedSpec(ExperimentSpec):
    """The fields of experiments on observed ratings: a data set and how it is split."""

    dataset: Annotated[dict[str, Any], BeforeValidator(_named)]
    split: dict[str, Any]

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        find_dataset(str(self.dataset.get("name")), " (in dataset.name)")
        check_name(str(self.split.get("kind")), split_names(), "split (in split.kind)")
        return self

    def load(self, data_dir: Path | None) -> Ratings:
        """Return the ratings of the data set."""
        options = {key: value for key, value in self.dataset.items() if key != "name"}
        return load_ratings(self.dataset["name"], data_dir=data_dir, **options)

    def parts(self, ratings: Ratings, seed: int, data_dir: Path | None) -> Split:
        """Return the split of `ratings`, whose parts share no pair."""
        options = {key: value for key, value in self.split.items() if key != "kind"}
        kind = self.split["kind"]
        found = split_ratings(ratings, kind, seed=seed, data_dir=data_dir, **options)
        check_disjoint(found)
        return found


def summarise(name: str, ratings: Ratings) -> dict[str, Any]:
    """Return what `record.json` says of a data set: size, licence, and a hash of its rows."""
    digest = hashlib.sha256()
    for column in (ratings.user, ratings.item, ratings.value):
        digest.update(np.ascontiguousarray(column).tobytes())
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


def heading(spec: ObservedSpec, data: dict[str, Any], more: str = "") -> list[str]:
    """Return the lines that say on what an experiment's figures stand."""
    split_form = ", ".join(f"{key} {value}" for key, value in spec.split.items())
    return [
        f"{spec.name}: {spec.title}",
        f"data set {data['name']}: {data['n_ratings']} ratings, {data['n_users']} users, "
        f"{data['n_items']} items",
        f"split: {split_form}; seed {spec.seed}{more}",
    ]


def check_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Raise DataError unless two summaries are of the same ratings."""
    if found["sha256"] != expected["sha256"]:
        raise DataError(
            f"data set {found['name']!r}: found ratings of sha256 {found['sha256']}, expected "
            f"{expected['sha256']}, with which the run began"
        )


def check_disjoint(parts: Split) -> None:
    """Raise DataError where a pair of user and item stands in two parts of a split.

    Stronger than disjoint rows: a pair rated twice would carry its rating from one part to
    another.
    """
    codes = {
        name: part.user.astype(np.int64) * part.n_items + part.item
        for name in ("train", "validation", "test")
        if (part := getattr(parts, name)) is not None
    }
    for a, b in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if a in codes and b in codes:
            shared = np.intersect1d(codes[a], codes[b])
            if len(shared):
                user, item = divmod(int(shared[0]), parts.ratings.n_items)
                raise DataError(
                    f"{len(shared)} pairs stand in both {a} and {b}, the first being user code "
                    f"{user}, item code {item}; expected disjoint parts"
                )
