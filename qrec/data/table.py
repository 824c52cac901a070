"""Ratings from columns, and the checks that every rating passes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qrec.data.ratings import Ratings, unmasked
from qrec.errors import DataError

Ids = Literal["auto", "integer", "text"]
_LARGEST = 1e15  # of a rating: models sum squares, some of them in float32


class Lines(Protocol):
    """Where each row of some columns stands in their file."""

    def __getitem__(self, row: int, /) -> int: ...


def ratings_from_columns(
    user: ArrayLike,
    item: ArrayLike,
    rating: ArrayLike,
    timestamp: ArrayLike | None = None,
    *,
    scale: tuple[float, float] | None,
    ids: Ids = "auto",
    source: str = "ratings",
    lines: Lines | NDArray[np.int64] | None = None,
    unit: Literal["line", "row"] = "line",
    names: Mapping[str, str] = MappingProxyType({}),
) -> Ratings:
    """Return checked ratings from columns of numbers or text, `(n,)` each.

    `ids` says what users' and items' ids are: "integer", whole numbers of at most 64 bits;
    "text", kept as they are written; "auto", integers if the first one is. An integer has no
    leading zero, since 007 and 7 may be two users. An id that is masked, None, nan or empty is
    missing; so is one spelled as programs write a missing entry (NA, nan, None, null, <NA>,
    N/A, in any case), unless `ids` is "text", by which only the user can say that those are
    names. Without a `scale` it is from the lowest rating to the highest. `source` and `lines`, by
    default 1 to n, say in an error where a row comes from, `unit` what is counted, and `names`
    what the source calls its columns. The id tables are sorted.

    Raises DataError for columns of unequal length, no rating at all, a missing or wrong id, a
    rating that is no number or outside `scale`, a timestamp that is no whole number, a pair that
    is rated twice, and ratings that are all equal and have no `scale`.
    """
    columns = {"user": user, "item": item, "rating": rating}
    if timestamp is not None:
        columns["timestamp"] = timestamp
    arrays = {name: unmasked(entries) for name, entries in columns.items()}
    shapes = {array.shape for array in arrays.values()}
    n_rows = arrays["rating"].size
    if shapes != {(n_rows,)}:
        found = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise DataError(f"{source}: found columns of shapes {found}, expected as many entries each")
    if n_rows == 0:
        raise DataError(f"{source}: no ratings, expected at least one")
    if scale is not None and not max(map(abs, scale)) <= _LARGEST:
        raise DataError(f"{source}: found scale {scale}, expected bounds of at most {_LARGEST:g}")
    where = _Rows(source, range(1, n_rows + 1) if lines is None else lines, unit, names)
    value = _values(arrays["rating"], scale or (-_LARGEST, _LARGEST), where)
    user_codes, user_ids = _coded(arrays["user"], ids, "user", where)
    item_codes, item_ids = _coded(arrays["item"], ids, "item", where)
    ratings = Ratings(
        user=user_codes,
        item=item_codes,
        value=value,
        user_ids=user_ids,
        item_ids=item_ids,
        scale=scale or _range(value, source),
        timestamp=_times(arrays["timestamp"], where) if "timestamp" in arrays else None,
    )
    _check_pairs(ratings, where)
    return ratings


@dataclass(frozen=True)
class _Rows:
    """Where rows of columns stand in their file."""

    source: str
    lines: Lines | NDArray[np.int64]
    unit: str
    names: Mapping[str, str]

    def error(self, field: str | None, row: int, found: str, expected: str) -> DataError:
        name = field and self.names.get(field, field)
        column = "" if name == field else f", column {name!r}"
        return DataError(
            f"{self.source}{column}, {self.unit} {self.lines[row]}: found {found}, "
            f"expected {expected}"
        )


def _values(column: NDArray[Any], scale: tuple[float, float], where: _Rows) -> NDArray[np.float64]:
    import pandas as pd

    value = np.asarray(pd.to_numeric(pd.Series(column), errors="coerce"), dtype=np.float64)
    low, high = scale
    wrong = ~((value >= low) & (value <= high))  # true for nan as well
    if wrong.any():
        row = int(wrong.argmax())
        expected = f"a number from {low:g} to {high:g}"
        raise where.error("rating", row, f"rating {_show(column[row])}", expected)
    return value


def _range(value: NDArray[np.float64], source: str) -> tuple[float, float]:
    low, high = float(value.min()), float(value.max())
    if low == high:
        raise DataError(f"{source}: all ratings are {low:g}, expected a scale to be said: scale=")
    return low, high


def _coded(
    column: NDArray[Any], ids: Ids, kind: str, where: _Rows
) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Return the code of each entry, `(n,)`, and the sorted table of ids that NPZ can hold."""
    import pandas as pd

    codes, entries = pd.factorize(column)  # entries in the order of their first rows
    if codes.min() < 0:
        raise where.error(kind, int(codes.argmin()), f"no {kind} id", "one")
    entries = np.asarray(entries)
    table: NDArray[Any]
    if ids != "text" and _fits_int64(entries):
        table = entries.astype(np.int64)
    else:
        text = _stripped(entries)
        if wrong := _wrong_id(text, ids):
            entry, expected = wrong
            shown = f"{kind} id {_show(entries[entry])}" if text[entry] else f"no {kind} id"
            raise where.error(kind, int((codes == entry).argmax()), shown, expected)
        whole = ids != "text" and _whole(text[0]) is not None
        table = np.array([_whole(entry) for entry in text]) if whole else text.astype(str)
    table, place = np.unique(table, return_inverse=True)
    return place.astype(np.int32)[codes], table


def _wrong_id(text: NDArray[Any], ids: Ids) -> tuple[int, str] | None:
    """Return the position of the first id that cannot be one, and what would be right."""
    whole = ids == "integer" or (ids == "auto" and _whole(text[0]) is not None)
    for position, entry in enumerate(text):
        if not entry:
            return position, "one"
        if ids == "auto" and entry.casefold() in _MISSING:
            return position, f"an id, not a word for a missing one{_AS_TEXT}"
        if whole and _whole(entry) is None:
            if entry.removeprefix("-").isdecimal() and entry.lstrip("-")[0] != "0":
                return position, f"an integer of at most 64 bits{_AS_TEXT}"
            return position, f"a whole number without leading zeros{_AS_TEXT}"
    return None


_MISSING = {"na", "n/a", "nan", "none", "null", "<na>"}
_AS_TEXT = ' (ids="text" keeps every id as it is written)'


def _times(column: NDArray[Any], where: _Rows) -> NDArray[np.int64]:
    if _fits_int64(column):
        return column.astype(np.int64)
    seconds = [_whole(entry) for entry in _stripped(column)]
    if None in seconds:
        row = seconds.index(None)
        expected = "whole seconds since 1970"
        raise where.error("timestamp", row, f"timestamp {_show(column[row])}", expected)
    return np.array(seconds, dtype=np.int64)


def _fits_int64(column: NDArray[Any]) -> bool:
    return column.dtype.kind in "iu" and bool((column <= np.iinfo(np.int64).max).all())


def _whole(text: str) -> int | None:
    """Return the 64-bit integer that a text spells, None where it spells none or has a 0 before."""
    number = int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


_WHOLE = re.compile(r"(0|-?[1-9][0-9]*)(\.0+)?")


def _stripped(column: NDArray[Any]) -> NDArray[Any]:
    """Return entries as text; a whole number stays one if missing ones made its column floats."""
    if column.dtype.kind == "f":
        return np.array([f"{entry:.17g}" for entry in column], dtype=object)
    return np.array([str(entry).strip() for entry in column], dtype=object)


def _check_pairs(ratings: Ratings, where: _Rows) -> None:
    keys = ratings.user.astype(np.int64) * ratings.n_items + ratings.item
    found = np.sort(keys)  # a third of the time that an order takes, which errors alone need
    if (found[1:] == found[:-1]).any():
        order = np.argsort(keys, kind="stable")
        again = np.flatnonzero(np.diff(keys[order]) == 0)
        row = int(order[again + 1].min())
        first = int(np.flatnonzero(keys == keys[row])[0])
        user, item = ratings.user_ids[ratings.user[row]], ratings.item_ids[ratings.item[row]]
        said = f"a second rating of item {item} by user {user}"
        on = "on" if where.unit == "line" else "in"
        expected = f"one (the first is {on} {where.unit} {where.lines[first]})"
        raise where.error(None, row, said, expected)


def _show(entry: Any) -> str:
    return repr(entry) if isinstance(entry, str) else str(entry)
