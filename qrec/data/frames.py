"""Ratings from tables with named columns, in memory or in a Parquet file, and tables from them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qrec.data.ratings import Ratings, unmasked
from qrec.data.table import Ids, ratings_from_columns
from qrec.errors import DataError, MissingError

if TYPE_CHECKING:
    import pandas as pd

_TABLES = "pandas, polars, pyarrow, DuckDB, a mapping of arrays"


def ratings(
    table: Any,
    *,
    user: str = "user",
    item: str = "item",
    rating: str = "rating",
    timestamp: str | None = None,
    scale: Sequence[float] | None = None,
    ids: Ids = "auto",
    source: str = "table",
) -> Ratings:
    """Return the ratings in a table, one a row; `user` .. `timestamp` name its columns.

    `table` is anything with named columns: a frame of pandas or polars, a table of pyarrow, a
    relation of DuckDB, a mapping of arrays, an array of records. None of those is needed for the
    others. `scale` is the lowest and the highest rating possible, to which predictions are
    clipped; without it, the lowest and the highest there are. A timestamp is a whole number of
    seconds since 1970, or a time; one without a time zone counts as UTC, and parts of a second are
    cut off. `ids` is as in `qrec.data.table.ratings_from_columns`.

    Raises DataError for what is no such table and for a column that it has not, and, with the
    row, counted from 1, and the column, for a missing or wrong entry and a pair that is rated
    twice; `source` says in it where the table is from.
    """
    columns = {"user": user, "item": item, "rating": rating}
    if timestamp is not None:
        columns["timestamp"] = timestamp
    if scale is not None and (len(scale) != 2 or not scale[0] < scale[1]):
        raise DataError(
            f"{source}: found scale {list(scale)}, expected the lowest and highest rating"
        )
    table = table.fetchnumpy() if hasattr(table, "fetchnumpy") else table  # DuckDB's relation
    known = _names(table, source)
    for field, name in columns.items():
        if name not in known:
            raise DataError(
                f"{source}: found the columns {', '.join(map(str, known))}, expected one called "
                f"{name!r} with the {field}s"
            )
    fields = {field: _entries(table[name]) for field, name in columns.items()}
    if "timestamp" in fields:
        fields["timestamp"] = _seconds(fields["timestamp"])
    return ratings_from_columns(
        **fields,
        scale=None if scale is None else (float(scale[0]), float(scale[1])),
        ids=ids,
        source=source,
        unit="row",
        names=columns,
    )


def read_parquet(path: Path, columns: Mapping[str, str]) -> Any:
    """Return those of the columns of a Parquet file, field -> name, that it has.

    Raises DataError for a file that is missing or no Parquet, MissingError without pyarrow.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingError(
            f"{path}: reading Parquet needs pyarrow: pip install 'qrec[parquet]'"
        ) from None
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            known = file.schema_arrow.names
            wanted = [name for name in columns.values() if name in known]
            # The others are named in an error; no more than their names is read.
            return file.read(wanted) if len(wanted) == len(columns) else file.schema_arrow
    except (OSError, pyarrow.ArrowException) as error:
        said = " ".join(str(error).split())
        raise DataError(f"{path}: {said}; expected a Parquet file") from error


def to_frame(given: Ratings) -> "pd.DataFrame":
    """Return ratings as a frame of pandas: see `Ratings.to_pandas`."""
    import pandas as pd

    columns = {
        "user": given.user_ids[given.user],
        "item": given.item_ids[given.item],
        "rating": given.value,
    }
    if given.timestamp is not None:
        columns["timestamp"] = given.timestamp
    return pd.DataFrame(columns)


def _names(table: Any, source: str) -> list[Any]:
    """Return the names of the columns. Raises DataError for what is no table."""
    if isinstance(table, Mapping):
        return list(table)
    dtype = getattr(table, "dtype", None)
    for names in (
        getattr(table, "column_names", None),  # pyarrow
        getattr(table, "columns", None),
        getattr(table, "names", None),  # a schema of pyarrow
        getattr(dtype, "names", None),  # records of NumPy
    ):
        if names is not None and hasattr(table, "__getitem__") and not callable(names):
            return [str(name) for name in names]
    raise DataError(
        f"{source}: found a {type(table).__name__}, expected a table with named columns ({_TABLES})"
    )


def _entries(column: Any) -> NDArray[Any]:
    """Return a column's entries as an array, `(n,)`."""
    if hasattr(column, "combine_chunks"):  # pyarrow's, whose own to_numpy knows fewer types
        column = column.to_pandas()
    if isinstance(column, np.ma.MaskedArray) or not hasattr(column, "to_numpy"):
        return unmasked(column)
    return np.asarray(column.to_numpy())


def _seconds(column: NDArray[Any]) -> NDArray[Any]:
    """Return times as whole seconds since 1970; what are none, and missing ones, as they are."""
    import pandas as pd

    times = column.dtype.kind == "M"
    if column.dtype.kind == "O":
        found = pd.api.types.infer_dtype(column, skipna=True)
        times = found in ("datetime", "datetime64", "date")
    if not times:
        return column
    moments = pd.to_datetime(pd.Series(column), utc=True, errors="coerce")
    exact = moments.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    seconds: NDArray[Any] = exact.astype(np.int64)
    if np.isnat(exact).any():
        seconds = seconds.astype(object)
        seconds[np.isnat(exact)] = None
    return seconds
