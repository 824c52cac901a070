"""Rows of results as Parquet, for those who have pyarrow."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from qrec.runs.files import write_bytes


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as Parquet in one step, if pyarrow is installed; else write nothing.

    The columns are those of the CSV file, with their types: mappings and lists become JSON, and so
    does every entry of a column whose entries are of types that do not go together.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return
    columns = dict.fromkeys(key for row in rows for key in row)
    arrays = {name: _array(pyarrow, [row.get(name) for row in rows]) for name in columns}
    content = BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(arrays), content)
    write_bytes(path, content.getvalue())


def _array(pyarrow: Any, entries: list[Any]) -> Any:
    plain = [json.dumps(entry) if isinstance(entry, dict | list) else entry for entry in entries]
    try:
        return pyarrow.array(plain)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):
        return pyarrow.array([None if entry is None else json.dumps(entry) for entry in entries])
