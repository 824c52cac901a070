"""What the archives of MovieLens say of users and films beside the ratings."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qrec.data.features import Column, Features
from qrec.data.ratings import Ratings
from qrec.errors import DataError

Entry = float | str
Fields = Iterator[tuple[int, list[str]]]  # line, from 1, and fields

# The order of the flags in u.item, as u.genre has it; of the first, "unknown", nothing follows.
_GENRES = (
    "", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
_NO_GENRES = "(no genres listed)"
_TITLE = re.compile(r".*\((\d{4})\)\s*")
_DATE = re.compile(r"\d{1,2}-[A-Z][a-z]{2}-(\d{4})")


class _RowError(Exception):
    """What was found in a row and what would be right."""


class SideFile:
    """A file with one user or one film per row: how its rows are read, and its columns."""

    def __init__(
        self,
        name: str,
        split: Callable[[Path], Fields],
        read: Callable[[list[str]], tuple[int, dict[str, Entry]]],
    ) -> None:
        self.name, self._split, self._read = name, split, read

    def columns(self, path: Path, ids: NDArray[Any]) -> dict[str, Column]:
        """Return the columns for `ids`; those of whom there is no row are unknown.

        Raises DataError for a row that cannot be read, with its line.
        """
        rows: dict[int, dict[str, Entry]] = {}
        try:
            for line, fields in self._split(path):
                try:
                    identifier, row = self._read(fields)
                    if identifier in rows:
                        raise _RowError(f"found a second row of {identifier}, expected one")
                except _RowError as wrong:
                    raise DataError(f"{path}, line {line}: {wrong}") from None
                rows[identifier] = row
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path}: {error}; expected the file as published") from None
        if not rows:
            raise DataError(f"{path}: found no rows, expected one per line")
        names = next(iter(rows.values()))
        unknown = {k: np.nan if isinstance(v, float) else "" for k, v in names.items()}
        found = [rows.get(identifier, unknown) for identifier in ids.tolist()]
        return {name: np.array([row[name] for row in found]) for name in names}


def features_beside(
    ratings: Ratings, folder: Path, users: SideFile | None, items: SideFile | None
) -> Features | None:
    """Return what the files that lie in `folder` say, None where neither is there."""
    sides = []
    for file, ids in ((users, ratings.user_ids), (items, ratings.item_ids)):
        there = file is not None and (folder / file.name).is_file()
        sides.append(file.columns(folder / file.name, ids) if file and there else {})
    return Features(*sides) if any(sides) else None


def _delimited(delimiter: str, encoding: str) -> Callable[[Path], Fields]:
    def split(path: Path) -> Fields:
        with path.open(encoding=encoding, newline="\n") as file:
            for line, text in enumerate(file, 1):
                if text.strip():
                    yield line, text.rstrip("\r\n").split(delimiter)

    return split


def _with_header(path: Path) -> Fields:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader, None)
        line = reader.line_num
        for fields in reader:
            yield line + 1, fields
            line = reader.line_num


def _check_width(fields: Sequence[str], width: int) -> None:
    if len(fields) != width:
        raise _RowError(f"found {len(fields)} fields, expected {width}")


def _whole(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise _RowError(f"found {what} {text!r}, expected a whole number")
    return int(text)


def _user(order: Sequence[str]) -> Callable[[list[str]], tuple[int, dict[str, Entry]]]:
    def read(fields: list[str]) -> tuple[int, dict[str, Entry]]:
        _check_width(fields, 5)
        named = dict(zip(order, fields, strict=True))
        row: dict[str, Entry] = {"age": float(_whole(named["age"], "age"))}
        return _whole(fields[0], "user id"), row | {
            "gender": named["gender"],
            "occupation": named["occupation"],
        }

    return read


def _u_item(fields: list[str]) -> tuple[int, dict[str, Entry]]:
    _check_width(fields, 5 + len(_GENRES))
    flags = fields[5:]
    if not set(flags) <= {"0", "1"}:
        raise _RowError(f"found genres {'|'.join(flags)!r}, expected 0 or 1 for each")
    genres = [genre for genre, flag in zip(_GENRES, flags, strict=True) if flag == "1" and genre]
    date = _DATE.fullmatch(fields[2])
    if fields[2] and not date:
        raise _RowError(f"found release date {fields[2]!r}, expected such as 01-Jan-1995, or none")
    year = float(date[1]) if date else np.nan
    return _whole(fields[0], "film id"), {"genres": "|".join(genres), "year": year}


def _movie(fields: list[str]) -> tuple[int, dict[str, Entry]]:
    # A title may hold the delimiter, "::" no less than ":".
    if len(fields) < 3:
        raise _RowError(f"found {len(fields)} fields, expected film id, title and genres")
    title = _TITLE.fullmatch("::".join(fields[1:-1]))
    genres = "" if fields[-1] == _NO_GENRES else fields[-1]
    return _whole(fields[0], "film id"), {
        "genres": genres,
        "year": float(title[1]) if title else np.nan,
    }


U_USER = SideFile(
    "u.user",
    _delimited("|", "latin-1"),
    _user(("id", "age", "gender", "occupation", "zip")),
)
U_ITEM = SideFile("u.item", _delimited("|", "latin-1"), _u_item)
USERS_DAT = SideFile(
    "users.dat",
    _delimited("::", "latin-1"),
    _user(("id", "gender", "age", "occupation", "zip")),
)
MOVIES_DAT_1M = SideFile("movies.dat", _delimited("::", "latin-1"), _movie)
MOVIES_DAT_10M = SideFile("movies.dat", _delimited("::", "utf-8"), _movie)
MOVIES_CSV = SideFile("movies.csv", _with_header, _movie)
