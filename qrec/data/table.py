"""Reading text files of ratings, and the checks that every rating passes."""

import csv
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qrec.data.ratings import Ratings
from qrec.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Ids = Literal["auto", "integer", "text"]


def read_table(
    path: Path,
    columns: Mapping[str, int | str],
    *,
    delimiter: str,
    scale: tuple[float, float],
    ids: Ids,
) -> Ratings:
    """Return the ratings of a text file with one rating per line.

    `columns` tells where user, item, rating and, if there is one, timestamp stand: by position
    in a file without a header, by name in one with a header. The rest is as in
    `ratings_from_columns`. Raises DataError for a file that is missing or has other columns.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    named = all(isinstance(column, str) for column in columns.values())
    try:
        if named:
            _check_header(path, columns, delimiter)
        frame = _frame(path, columns, delimiter, named, ids)
    except (ValueError, csv.Error) as error:  # pandas' errors and wrong encodings are ValueErrors
        listed = ", ".join(f"{field} ({column})" for field, column in columns.items())
        raise DataError(
            f"{path}: {error}; expected UTF-8 text with the columns {listed}"
        ) from error
    fields = {field: frame[column].to_numpy() for field, column in columns.items()}
    first = 2 if named else 1
    lines = range(first, first + len(frame))
    return ratings_from_columns(**fields, scale=scale, ids=ids, source=str(path), lines=lines)


def _frame(
    path: Path, columns: Mapping[str, int | str], delimiter: str, named: bool, ids: Ids
) -> "pd.DataFrame":
    import pandas as pd

    numbers = {"user": "int64", "item": "int64", "rating": "float64", "timestamp": "int64"}
    options: dict[str, Any] = {
        "sep": delimiter,
        "header": 0 if named else None,
        "usecols": list(columns.values()),
        "index_col": False,
        "skip_blank_lines": False,  # so that rows count lines
        "keep_default_na": False,
        "encoding": "utf-8-sig",
    }
    frame: pd.DataFrame
    if ids != "text":
        # Where something is no number, the file is read as text, and the checks find the line.
        with suppress(ValueError, OverflowError):
            dtype = {column: numbers[field] for field, column in columns.items()}
            frame = pd.read_csv(path, dtype=dtype, **options)
            return frame
    frame = pd.read_csv(path, dtype=str, **options)
    return frame


def ratings_from_columns(
    user: ArrayLike,
    item: ArrayLike,
    rating: ArrayLike,
    timestamp: ArrayLike | None = None,
    *,
    scale: tuple[float, float],
    ids: Ids = "auto",
    source: str = "ratings",
    lines: Sequence[int] | NDArray[np.int64] | None = None,
) -> Ratings:
    """Return checked ratings from columns of numbers or text, `(n,)` each.

    `ids` says what users' and items' ids are: whole numbers, any text, or by ``auto`` whole
    numbers if the first one is. `source` and `lines`, by default 1 to n, say in an error where
    a row comes from. The id tables are sorted.

    Raises DataError for no rating at all, a missing or wrong id, a rating that is no number or
    outside `scale`, a timestamp that is no whole number, and a pair that is rated twice.
    """
    import pandas as pd

    n_rows = len(np.asarray(rating))
    if n_rows == 0:
        raise DataError(f"{source}: no ratings, expected at least one")
    where = _Lines(source, range(1, n_rows + 1) if lines is None else lines)
    value = _values(np.asarray(rating), scale, where)
    user_codes, user_ids = pd.factorize(_ids(np.asarray(user), ids, "user", where), sort=True)
    item_codes, item_ids = pd.factorize(_ids(np.asarray(item), ids, "item", where), sort=True)
    ratings = Ratings(
        user=user_codes.astype(np.int32),
        item=item_codes.astype(np.int32),
        value=value,
        user_ids=_plain(user_ids),
        item_ids=_plain(item_ids),
        scale=scale,
        timestamp=None if timestamp is None else _times(np.asarray(timestamp), where),
    )
    _check_pairs(ratings, where)
    return ratings


@dataclass(frozen=True)
class _Lines:
    """Where rows of columns stand in their file."""

    source: str
    lines: Sequence[int] | NDArray[np.int64]

    def error(self, row: int, found: str, expected: str) -> DataError:
        line = self.lines[row]
        return DataError(f"{self.source}, line {line}: found {found}, expected {expected}")


def _values(column: NDArray[Any], scale: tuple[float, float], where: _Lines) -> NDArray[np.float64]:
    import pandas as pd

    value = np.asarray(pd.to_numeric(pd.Series(column), errors="coerce"), dtype=np.float64)
    low, high = scale
    wrong = ~((value >= low) & (value <= high))  # true for nan as well
    if wrong.any():
        row = int(wrong.argmax())
        raise where.error(row, f"rating {_show(column[row])}", f"a number from {low:g} to {high:g}")
    return value


def _ids(column: NDArray[Any], ids: Ids, kind: str, where: _Lines) -> NDArray[Any]:
    if column.dtype.kind in "iu":
        return column.astype(str).astype(object) if ids == "text" else column.astype(np.int64)
    text = _stripped(column)
    missing = np.isin(text, ["", "nan", "None", "<NA>"])
    if missing.any():
        raise where.error(int(missing.argmax()), f"no {kind} id", "one")
    if ids == "integer" or (ids == "auto" and _is_integer(text[0])):
        return _integers(column, text, f"{kind} id", "a whole number", where)
    return text


def _times(column: NDArray[Any], where: _Lines) -> NDArray[np.int64]:
    if column.dtype.kind in "iu":
        return column.astype(np.int64)
    expected = "whole seconds since 1970"
    return _integers(column, _stripped(column), "timestamp", expected, where)


def _integers(
    column: NDArray[Any], text: NDArray[Any], kind: str, expected: str, where: _Lines
) -> NDArray[np.int64]:
    whole = np.array([_is_integer(entry) for entry in text])
    if not whole.all():
        row = int((~whole).argmax())
        raise where.error(row, f"{kind} {_show(column[row])}", expected)
    return text.astype(np.int64)


def _stripped(column: NDArray[Any]) -> NDArray[Any]:
    """Return entries as text; a whole number stays one if missing ones made its column floats."""
    if column.dtype.kind == "f":
        return np.array([f"{entry:.17g}" for entry in column], dtype=object)
    return np.array([str(entry).strip() for entry in column], dtype=object)


def _check_pairs(ratings: Ratings, where: _Lines) -> None:
    keys = ratings.user.astype(np.int64) * ratings.n_items + ratings.item
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(np.diff(keys[order]) == 0)
    if len(again):
        row = int(order[again + 1].min())
        first = int(np.flatnonzero(keys == keys[row])[0])
        user, item = ratings.user_ids[ratings.user[row]], ratings.item_ids[ratings.item[row]]
        found = f"a second rating of item {item} by user {user}"
        raise where.error(row, found, f"one (the first is on line {where.lines[first]})")


def _check_header(path: Path, columns: Mapping[str, int | str], delimiter: str) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, delimiter=delimiter), [])
    for field, column in columns.items():
        if column not in header:
            raise DataError(
                f"{path}, line 1: found the columns {', '.join(header)}, expected one called "
                f"{column!r} with the {field}s"
            )


def _is_integer(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isdecimal() and len(digits) <= 18  # more may not fit 64 bits


def _show(entry: Any) -> str:
    return repr(entry) if isinstance(entry, str) else str(entry)


def _plain(ids: Any) -> NDArray[Any]:
    """Return ids as an array that NPZ can hold: integers or fixed-width text, not objects."""
    array = np.asarray(ids)
    return array.astype(str) if array.dtype == object else array
