"""Reading delimited text files of ratings, one rating a line."""

import csv
import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np

from qrec.data.ratings import Ratings
from qrec.data.table import Ids, ratings_from_columns
from qrec.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_BYTES = 1 << 18  # what stays in a processor's cache
_ONE = "\x1f"  # stands for a delimiter of several characters: ASCII's own unit separator
_SPELLING = "0123456789.+e\n"  # what numbers are spelled with


def read_table(
    path: Path,
    columns: Mapping[str, int | str],
    *,
    delimiter: str,
    scale: tuple[float, float] | None,
    ids: Ids,
    encoding: str = "utf-8",
) -> Ratings:
    """Return the ratings of a text file with one rating per line, ``.gz`` or plain.

    `columns` tells where user, item, rating and, if there is one, timestamp stand: by position,
    from 0, in a file without a header, by name in one with a header. The rest is as in
    `ratings_from_columns`. A field in double quotes may hold delimiters and line breaks, but
    where the delimiter has several characters quotes are characters as others. Empty lines may
    end the file; one between ratings is an error.

    Raises DataError for a file that is missing, is no text of this `encoding` or has other
    columns, and for a line with more fields than there are columns, which a decimal comma or an
    unquoted title makes: without its last fields, rating or item would be wrong.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    file = _File(path, delimiter, encoding, tuple(columns.values()))
    names = {field: column for field, column in columns.items() if isinstance(column, str)}
    try:
        fields = _fields(file, columns, ids)
        return ratings_from_columns(
            **fields, scale=scale, ids=ids, source=str(path), lines=file, names=names
        )
    # pandas' errors and wrong encodings are ValueErrors; what follows is said of a broken .gz.
    except (ValueError, csv.Error, gzip.BadGzipFile, EOFError, zlib.error) as error:
        listed = ", ".join(f"{field} ({column})" for field, column in columns.items())
        raise DataError(
            f"{path}: {error}; expected {encoding.upper()} text with the columns {listed}"
        ) from error


@dataclass(frozen=True)
class _File:
    """A delimited file; indexing by a rating's row gives the line on which it begins."""

    path: Path
    delimiter: str
    encoding: str
    columns: tuple[int | str, ...]

    @property
    def separator(self) -> str:
        """The delimiter, or what stands for it in `text`: pandas takes one byte."""
        return self.delimiter if len(self.delimiter.encode()) == 1 else _ONE

    @property
    def quoting(self) -> Literal[0, 3]:
        """Of the module csv: whether double quotes mean something."""
        return csv.QUOTE_MINIMAL if self.separator == self.delimiter else csv.QUOTE_NONE

    def bytes(self) -> IO[bytes]:
        """Open the file, unpacked."""
        if self.path.suffix == ".gz":
            return gzip.open(self.path)  # type: ignore[return-value]  # one, in all but name
        return self.path.open("rb")

    def text(self) -> IO[str]:
        """Open the file as text, with `separator` between fields."""
        encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        file = TextIOWrapper(self.bytes(), encoding=encoding, newline="")
        if self.separator == self.delimiter:
            return file
        with file:
            content = file.read()
        if _ONE in content:
            raise ValueError(f"found the character {_ONE!r}, beside the delimiter {self.delimiter}")
        return StringIO(content.replace(self.delimiter, _ONE), newline="")

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
        with self.text() as file:
            reader = csv.reader(file, delimiter=self.separator, quoting=self.quoting)
            line = 1
            for fields in reader:
                yield line, fields
                line = reader.line_num + 1

    def check_width(self, width: int, *, first: bool = False) -> None:
        """Raise DataError for the first record of more than `width` fields, or that of the data."""
        for number, (line, fields) in enumerate(self.records()):
            if len(fields) > width:
                held = f"a field that holds {self.delimiter!r} takes double quotes, "
                held = held if self.separator == self.delimiter else ""
                raise DataError(
                    f"{self.path}, line {line}: found {len(fields)} fields, expected {width}; "
                    f"{held}a decimal a point"
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
    if ids != "text" and not _may_merge(file):
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
    with file.text() as text:
        frame: pd.DataFrame = pd.read_csv(
            text,
            sep=file.separator,
            quoting=file.quoting,
            index_col=False,
            dtype=defaultdict(lambda: "str", dtypes),
            nrows=n_rows,
            skip_blank_lines=False,  # so that rows count records
            keep_default_na=False,
            **options,
        )
    return frame


def _may_merge(file: _File) -> bool:
    """Return whether a number in the file is spelled so that another id may have its value.

    007 and 7, 12e2 and 1200, +5 and 5 are different ids with equal values. True for a leading
    zero or an exponent anywhere, so that the ids have to be read as they are written; and for an
    encoding whose digits are not ASCII's, as in UTF-16.
    """
    if _SPELLING.encode(file.encoding) != _SPELLING.encode():
        return True
    zero, point, plus, exponent = b"0.+e"
    before = b"\n\n"
    with file.bytes() as content:
        while block := content.read(_BLOCK_BYTES):
            byte = np.frombuffer(before + block + b"\n", np.uint8)
            digit = byte - np.uint8(zero) < 10
            left, here, right = byte[:-2], byte[1:-1], digit[2:]
            leading = (here == zero) & right & ~digit[:-2] & (left != point)
            power = (here | 32 == exponent) & digit[:-2]
            if (leading | power | ((here == plus) & right)).any():
                return True
            before = byte[-3:-1].tobytes()
    return False
