"""The ratings of an experiment: what is recorded of them, and that parts stay apart."""

import hashlib
from typing import Any

import numpy as np

from qrec.data import Ratings, Split
from qrec.data.dataset import datasets
from qrec.errors import DataError


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
        "licence": datasets()[name].licence,
        "noise_floor": ratings.noise_floor,
    }


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
