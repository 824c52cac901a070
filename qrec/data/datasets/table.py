"""Ratings in a table of the user's own: a Parquet file, or text with a header."""

from collections.abc import Sequence
from pathlib import Path

from qrec.data.dataset import Dataset
from qrec.data.datasets.csv import checked_scale
from qrec.data.datasets.csv import load as load_csv
from qrec.data.files import cached
from qrec.data.frames import ratings, read_parquet
from qrec.data.ratings import Ratings
from qrec.data.table import Ids
from qrec.errors import ConfigError

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def load(
    *,
    path: str | Path = "ratings.csv",
    user: str = "user",
    item: str = "item",
    rating: str = "rating",
    timestamp: str | None = None,
    scale: Sequence[float] | None = None,
    ids: Ids = "auto",
    data_dir: Path | None = None,
) -> Ratings:
    """Return the ratings of a file that ends in .parquet, .csv or .tsv, the last two also in .gz.

    `user` .. `timestamp` name its columns, and `scale` is the lowest and the highest rating
    possible; without it, the lowest and the highest there are. The rest is as in `qrec.ratings`
    and, for text, the data set csv, which takes any other delimiter. Read once and cached until
    the file changes.
    """
    file = (data_dir or Path()) / path
    suffix = Path(file.name.removesuffix(".gz")).suffix
    if suffix in _DELIMITERS:
        return load_csv(
            path=file,
            user=user,
            item=item,
            rating=rating,
            timestamp=timestamp,
            delimiter=_DELIMITERS[suffix],
            scale=scale,
            ids=ids,
        )
    if file.suffix != ".parquet":
        raise ConfigError(
            f"data set 'table': found path {str(file)!r}, expected one that ends in .parquet, .csv "
            "or .tsv, the last two also in .gz; the data set 'csv' reads any text"
        )
    columns = {"user": user, "item": item, "rating": rating}
    if timestamp is not None:
        columns["timestamp"] = timestamp
    bounds = checked_scale("table", scale)

    def parse(file: Path) -> Ratings:
        table = read_parquet(file, columns)
        return ratings(table, **columns, scale=bounds, ids=ids, source=str(file))

    return cached(file, parse, options=columns | {"scale": bounds, "ids": ids})


DATASETS = [
    Dataset(
        name="table",
        description="a file of your own, Parquet or .csv; its columns are named by options",
        licence="that of your file",
        load=load,
        example={"ratings.csv": "user,item,rating\nann,Vertigo,5\nbob,Vertigo,3\nann,Alien,1\n"},
    )
]
