"""Ratings in a text file of the user's own."""

from collections.abc import Sequence
from pathlib import Path

from qrec.data.dataset import Dataset
from qrec.data.delimited import read_table
from qrec.data.ratings import Ratings
from qrec.data.table import Ids
from qrec.errors import ConfigError


def load(
    *,
    path: str | Path = "ratings.csv",
    user: str = "user",
    item: str = "item",
    rating: str = "rating",
    timestamp: str | None = None,
    delimiter: str = ",",
    scale: Sequence[float] = (1.0, 5.0),
    ids: Ids = "auto",
    data_dir: Path | None = None,
) -> Ratings:
    """Return the ratings of a file with a header, whose columns `user` .. `timestamp` name.

    A relative `path` starts from `data_dir` if that is given. `ids` is "integer", "text" or
    "auto", by which all must be integers if the first one is; see
    `qrec.data.table.ratings_from_columns` for what is an integer and what a missing id. Raises
    DataError with the line of what cannot be read, as `qrec.data.delimited.read_table` does.
    """
    if len(delimiter) != 1:
        raise ConfigError(f"data set 'csv': found delimiter {delimiter!r}, expected one character")
    columns = {"user": user, "item": item, "rating": rating}
    if timestamp is not None:
        columns["timestamp"] = timestamp
    low, high = _scale(scale)
    file = (data_dir or Path()) / path
    return read_table(file, columns, delimiter=delimiter, scale=(low, high), ids=ids)


def _scale(scale: Sequence[float]) -> tuple[float, float]:
    if len(scale) != 2 or not scale[0] < scale[1]:
        raise ConfigError(
            f"data set 'csv': found scale {list(scale)}, expected the lowest and highest rating"
        )
    return float(scale[0]), float(scale[1])


DATASETS = [
    Dataset(
        name="csv",
        description="a file of your own; its columns are named by options (path=, user=, ...)",
        licence="that of your file",
        load=load,
        example={"ratings.csv": "user,item,rating\nann,Vertigo,5\nbob,Vertigo,3\nann,Alien,1\n"},
    )
]
