"""Ratings in a text file of the user's own."""

from collections.abc import Sequence
from pathlib import Path

from qrec.data.dataset import Dataset
from qrec.data.delimited import read_table
from qrec.data.files import cached
from qrec.data.ratings import Ratings
from qrec.data.table import Ids
from qrec.errors import ConfigError


def load(
    *,
    path: str | Path = "ratings.csv",
    user: str | int = "user",
    item: str | int = "item",
    rating: str | int = "rating",
    timestamp: str | int | None = None,
    delimiter: str = ",",
    encoding: str = "utf-8",
    scale: Sequence[float] | None = (1.0, 5.0),
    ids: Ids = "auto",
    data_dir: Path | None = None,
) -> Ratings:
    """Return the ratings of a text file, whose columns `user` .. `timestamp` name.

    By name in a file with a header; by position, counted from 0, in one without. A relative
    `path` starts from `data_dir` if that is given; one that ends in ``.gz`` is unpacked.
    `delimiter` is one character or more, `encoding` any that Python knows. A `scale` of None is
    from the lowest rating to the highest. `ids` is "integer", "text" or "auto", by which all must
    be integers if the first one is; see `qrec.data.table.ratings_from_columns` for what is an
    integer and what a missing id. Read once and cached until the file changes. Raises DataError
    with the line of what cannot be read, as `qrec.data.delimited.read_table` does.
    """
    columns = {"user": user, "item": item, "rating": rating}
    if timestamp is not None:
        columns["timestamp"] = timestamp
    _check(columns, delimiter, encoding)
    if Path(path).suffix == ".parquet":
        raise ConfigError(
            f"data set 'csv': found path {str(path)!r}, expected text; the data set 'table' reads "
            "Parquet"
        )
    bounds = checked_scale("csv", scale)

    def parse(file: Path) -> Ratings:
        return read_table(
            file, columns, delimiter=delimiter, scale=bounds, ids=ids, encoding=encoding
        )

    options = {"columns": columns, "delimiter": delimiter, "encoding": encoding}
    file = (data_dir or Path()) / path
    return cached(file, parse, options=options | {"scale": bounds, "ids": ids})


def checked_scale(owner: str, scale: Sequence[float] | None) -> tuple[float, float] | None:
    """Return a scale as two floats; `owner` is the data set whose option it is."""
    if scale is None:
        return None
    if len(scale) != 2 or not scale[0] < scale[1]:
        raise ConfigError(
            f"data set {owner!r}: found scale {list(scale)}, expected the lowest and highest rating"
        )
    return float(scale[0]), float(scale[1])


def _check(columns: dict[str, str | int], delimiter: str, encoding: str) -> None:
    """Raise ConfigError for options that fit no file."""
    if not delimiter or set(delimiter) & set('\r\n"'):
        raise ConfigError(
            f"data set 'csv': found delimiter {delimiter!r}, expected characters, no quote or break"
        )
    try:
        "".encode(encoding)
    except LookupError:
        raise ConfigError(
            f"data set 'csv': found encoding {encoding!r}, expected one that Python knows, such as "
            "utf-8 or latin-1"
        ) from None
    positions = [column for column in columns.values() if isinstance(column, int)]
    if positions and (len(positions) < len(columns) or min(positions) < 0):
        found = ", ".join(f"{field} {column!r}" for field, column in columns.items())
        raise ConfigError(
            f"data set 'csv': found {found}; expected all by name, in a file with a header, or all "
            "by position from 0, in one without"
        )


DATASETS = [
    Dataset(
        name="csv",
        description="a text file of your own; its columns are named by options (path=, user=, ...)",
        licence="that of your file",
        load=load,
        example={"ratings.csv": "user,item,rating\nann,Vertigo,5\nbob,Vertigo,3\nann,Alien,1\n"},
    )
]
