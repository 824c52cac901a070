"""Reading delimited text files of ratings, one rating a line."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qrec.data.ratings import Ratings
from qrec.data.table import Ids, ratings_from_columns
from qrec.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_BYTES = 1 << 18  # what stays in a processor's cache


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
    `ratings_from_columns`. A field in double quotes may hold delimiters and line breaks. Empty
    lines may end the file; one between ratings is an error.

    Raises DataError for a file that is missing, is not UTF-8 text or has other columns, and for
    a line with more fields than there are columns, which a decimal comma or an unquoted title
    makes: without its last fields, rating or item would be wrong.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    file = _File(path, delimiter, tuple(columns.values()))
    try:
        fields = _fields(file, columns, ids)
        return ratings_from_columns(**fields, scale=scale, ids=ids, source=str(path), lines=file)
    except (ValueError, csv.Error) as error:  # pandas' errors and wrong encodings are ValueErrors
        listed = ", ".join(f"{field} ({column})" for field, column in columns.items())
        raise DataError(
            f"{path}: {error}; expected UTF-8 text with the columns {listed}"
        ) from error


@dataclass(frozen=True)
class _File:
    """A delimited file; indexing by a rating's row gives the line on which it begins."""

    path: Path
    delimiter: str
    columns: tuple[int | str, ...]

    def __getitem__(self, row: int) -> int:
        for number, (line, _) in enumerate(self.records()):
            if number == row + self.named:
                return line
        raise IndexError(row)

    @property
    def named(self) -> bool:
        return all(isinstance(column, str) for column in self.columns)

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the fields of each record, the header too, with its first line's number."""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            line = 1
            for fields in reader:
                yield line, fields
                line = reader.line_num + 1

    def check_width(self, width: int, *, first: bool = False) -> None:
        """Raise DataError for the first record of more than `width` fields, or that of the data."""
        for number, (line, fields) in enumerate(self.records()):
            if len(fields) > width:
                raise DataError(
                    f"{self.path}, line {line}: found {len(fields)} fields, expected {width}; a "
                    f"field that holds {self.delimiter!r} takes double quotes, a decimal a point"
                )
            if first and number == self.named:
                return


def _fields(file: _File, columns: Mapping[str, int | str], ids: Ids) -> dict[str, Any]:
    """Return the columns' entries, as numbers wherever all of a column's are."""
    if file.named:
        width = len(_header(file, columns))
    else:
        width = 1 + max(column for column in columns.values() if isinstance(column, int))
    file.check_width(width, first=True)  # pandas takes the first line's word on the width
    try:
        frame = _frame(file, columns, ids, width)
    except ValueError:
        file.check_width(width)
        raise
    return {field: frame[column].to_numpy() for field, column in columns.items()}


def _header(file: _File, columns: Mapping[str, int | str]) -> list[str]:
    _, header = next(file.records(), (1, []))
    for field, column in columns.items():
        if column not in header:
            raise DataError(
                f"{file.path}, line 1: found the columns {', '.join(header)}, expected one called "
                f"{column!r} with the {field}s"
            )
    return header


def _frame(file: _File, columns: Mapping[str, int | str], ids: Ids, width: int) -> "pd.DataFrame":
    numbers = {"user": "int64", "item": "int64", "rating": "float64", "timestamp": "int64"}
    as_numbers = {column: numbers[field] for field, column in columns.items()}
    tries = [as_numbers | {columns["user"]: "str", columns["item"]: "str"}]
    if ids != "text" and not _may_merge(file.path):
        tries.insert(0, as_numbers)
    frame = _numbers(file, width, tries)
    if frame is not None:
        return frame
    # Where something is no number, all is text, in which the checks find the line.
    frame = _read(file, width, {})
    n_rows = 1 + int(np.flatnonzero((frame != "").any(axis=1)).max(initial=-1))
    if 0 < n_rows < len(frame):  # empty lines end the file
        ended = _numbers(file, width, tries, n_rows)
        frame = frame[:n_rows] if ended is None else ended
    return frame


def _numbers(
    file: _File, width: int, tries: list[dict[int | str, str]], n_rows: int | None = None
) -> "pd.DataFrame | None":
    """Return the file read with the first of the types that its columns are, if there is one."""
    for dtypes in tries:
        with suppress(ValueError, OverflowError):
            frame = _read(file, width, dtypes, n_rows)
            whole = frame[[column for column, dtype in dtypes.items() if dtype == "int64"]]
            # pandas may have read a larger one by way of a float, which merges neighbours.
            if dtypes is tries[-1] or ((whole < 2**53) & (whole > -(2**53))).all(axis=None):
                return frame
    return None


def _read(
    file: _File, width: int, dtypes: Mapping[int | str, str], n_rows: int | None = None
) -> "pd.DataFrame":
    """Return all columns, text where `dtypes` says nothing; of fewer, lines could be longer."""
    import pandas as pd

    options: dict[str, Any] = {"header": 0} if file.named else {"names": range(width)}
    frame: pd.DataFrame = pd.read_csv(
        file.path,
        sep=file.delimiter,
        index_col=False,
        dtype=defaultdict(lambda: "str", dtypes),
        nrows=n_rows,
        skip_blank_lines=False,  # so that rows count records
        keep_default_na=False,
        encoding="utf-8-sig",
        **options,
    )
    return frame


def _may_merge(path: Path) -> bool:
    """Return whether a number in the file is spelled so that another id may have its value.

    007 and 7, 12e2 and 1200, +5 and 5 are different ids with equal values. True for a leading
    zero or an exponent anywhere, so that the ids have to be read as they are written.
    """
    zero, point, plus, exponent = b"0.+e"
    before = b"\n\n"
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            byte = np.frombuffer(before + block + b"\n", np.uint8)
            digit = byte - np.uint8(zero) < 10
            left, here, right = byte[:-2], byte[1:-1], digit[2:]
            leading = (here == zero) & right & ~digit[:-2] & (left != point)
            power = (here | 32 == exponent) & digit[:-2]
            if (leading | power | ((here == plus) & right)).any():
                return True
            before = byte[-3:-1].tobytes()
    return False
