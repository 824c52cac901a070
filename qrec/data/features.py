"""What is known of users and items beside their ratings: age, occupation, genres, year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qrec.errors import DataError
from qrec.types import Array

Column = NDArray[Any]  # (n,) numbers, nan where unknown, or text, "" where unknown
_SEPARATOR = "|"  # between the values of a text that has several
_MOST_BINS = 12


@dataclass(frozen=True, eq=False)
class Features:
    """Columns of side data: name -> one entry per user (item), in the order of `user_ids`.

    Numbers are floats, nan where unknown. Text may hold several values with "|" between them,
    such as genres, and is empty where unknown. A side of which nothing is known has no columns.
    Raises DataError for a column that is neither.
    """

    user: Mapping[str, Column] = field(default_factory=dict)
    item: Mapping[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for side, columns in self.sides().items():
            for name, column in columns.items():
                if column.ndim != 1 or column.dtype.kind not in "fU":
                    raise DataError(
                        f"{side} feature {name!r}: found {column.dtype} of shape {column.shape}; "
                        "expected a list of floats or of text"
                    )

    def sides(self) -> dict[str, Mapping[str, Column]]:
        """Return the columns of both sides by name, "user" and "item"."""
        return {"user": self.user, "item": self.item}

    def check_sizes(self, n_users: int, n_items: int) -> None:
        """Raise DataError for a column that has not one entry per user, or per item."""
        sizes = {"user": n_users, "item": n_items}
        for side, columns in self.sides().items():
            for name, column in columns.items():
                if len(column) != sizes[side]:
                    raise DataError(
                        f"{side} feature {name!r}: found {len(column)} entries, "
                        f"expected one for each of the {sizes[side]} {side}s"
                    )


def side_matrix(columns: Mapping[str, Column]) -> tuple[Array, list[str]]:
    """Turn columns `(n,)` into a matrix `(n, k)` of 0/1 columns, and their k names.

    Text gives a column for each value, named ``name=value``; a row with m values has 1/sqrt(m)
    in each, so that all rows that know the column have length 1. Numbers are cut into at most
    12 bins that hold about as many rows each, named by their lower ends, ``age>=25``; where there
    are no more distinct numbers, each is a bin. Unknown entries are rows of zeros.
    """
    blocks, names = [], []
    for name, column in columns.items():
        cut = _bins if column.dtype.kind == "f" else _values
        block, labels = cut(column)
        blocks.append(block)
        names += [f"{name}{label}" for label in labels]
    return np.hstack(blocks) if blocks else np.empty((0, 0)), names


def _values(column: Column) -> tuple[Array, list[str]]:
    split = [[value for value in text.split(_SEPARATOR) if value] for text in column.tolist()]
    values = sorted({value for row in split for value in row})
    place = {value: k for k, value in enumerate(values)}
    block = np.zeros((len(column), len(values)))
    for row, found in zip(block, split, strict=True):
        row[[place[value] for value in found]] = 1 / np.sqrt(max(len(set(found)), 1))
    return block, [f"={value}" for value in values]


def _bins(column: Column) -> tuple[Array, list[str]]:
    known = column[~np.isnan(column)]
    lower: Sequence[float] = np.unique(known).tolist()
    if len(lower) > _MOST_BINS:
        # Of numbers that are there, so that no bin is empty.
        shares = np.arange(_MOST_BINS) / _MOST_BINS
        lower = np.unique(np.quantile(known, shares, method="higher")).tolist()
    place = np.searchsorted(lower, column, side="right") - 1  # nan: the last
    block = np.zeros((len(column), len(lower)))
    rows = np.flatnonzero(~np.isnan(column))
    block[rows, place[rows]] = 1.0
    return block, [f">={number:g}" for number in lower]
