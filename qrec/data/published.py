"""The splits that MovieLens-100K is published with: u1 to u5, ua and ub."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qrec.data.datasets.movielens import ml_100k_file, read_u_file
from qrec.data.ratings import Ratings
from qrec.errors import DataError


def published_rows(
    ratings: Ratings, name: str, data_dir: Path | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of `ratings` that ``<name>.base`` and ``<name>.test`` hold.

    Raises DataError if the two files together are not exactly `ratings`.
    """
    keys = _keys(ratings)
    order = np.argsort(keys)
    rows = []
    for part in ("base", "test"):
        path = ml_100k_file(f"{name}.{part}", data_dir)
        wanted = _keys(read_u_file(path))
        place = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
        rows.append(order[place])
        if np.any(keys[rows[-1]] != wanted):
            raise DataError(f"{path}: holds ratings that are not among those to split; {_NEEDS}")
    train, test = rows
    if len(train) + len(test) != len(ratings):
        raise DataError(
            f"split {name!r}: found {len(train)} + {len(test)} published rows for "
            f"{len(ratings)} ratings; {_NEEDS}"
        )
    return np.sort(train), np.sort(test)


_NEEDS = "expected the whole of ml-100k"


def _keys(ratings: Ratings) -> NDArray[np.int64]:
    """Return one number per rating that tells user, item and stars apart, `(n,)`."""
    if ratings.user_ids.dtype.kind != "i" or ratings.item_ids.dtype.kind != "i":
        raise DataError(f"the ratings to split have ids that are not integers; {_NEEDS}")
    user, item = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
    return np.asarray((user * 10_000 + item) * 10 + ratings.value, dtype=np.int64)
