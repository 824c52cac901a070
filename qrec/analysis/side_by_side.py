"""The rows of several runs side by side, whatever kind of experiment they are of."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, ClassVar

from qrec.analysis.table import Column, Table, build_table
from qrec.errors import ConfigError
from qrec.types import Row

_Line = tuple[tuple[str, ...], dict[str, "ComparedRow"]]  # which row, and what of it by run
_Id = tuple[type[Row], tuple[Hashable, ...]]  # which row of a run: its type and its KEY


@dataclass(frozen=True, kw_only=True)
class ComparedRow(Row):
    """One measured field of one row of a run, and how it differs from the first run's.

    `of` is the type of the row and `key` says which one it is. The standard error of the
    difference, if both are known, is that of independent runs.
    """

    KEY: ClassVar[tuple[str, ...]] = ("run", "of", "key", "name")

    run: str
    of: str
    key: dict[str, Any]
    name: str
    value: float | None
    stderr: float | None
    difference: float | None
    difference_stderr: float | None


def compare_rows(runs: Sequence[tuple[str, Sequence[Row]]]) -> list[ComparedRow]:
    """Return the measured fields of all rows of the runs, given as (id, rows).

    Rows are matched by their type and `Row.KEY`, and their `Row.VALUES` are compared; they come
    type by type, field by field, row by row. Raises ConfigError for a run that has no type of
    row in common with the first one, and for rows without measured fields.
    """
    _check_same_types(runs)
    stored = [(run, _by_id(run, rows)) for run, rows in runs]
    first = stored[0][1]
    ids = list(dict.fromkeys(key for _, rows in stored for key in rows))
    found = [
        _compared(run, rows[key], first.get(key), name)
        for kind in dict.fromkeys(kind for kind, _ in ids)
        for name in kind.VALUES
        for key in ids
        if key[0] is kind
        for run, rows in stored
        if key in rows
    ]
    if not found:
        raise ConfigError(f"run {runs[0][0]}: its rows have no measured fields to compare")
    return found


def compare_tables(rows: Sequence[ComparedRow]) -> list[Table]:
    """Return a table for each measured field: a line per row, the runs side by side."""
    runs = list(dict.fromkeys(row.run for row in rows))
    tables = [
        _table(name, list(group), runs)
        for (_, name), group in groupby(rows, key=lambda row: (row.of, row.name))
    ]
    notes = [f"run {place}: {run}" for place, run in enumerate(runs, 1)]
    if len(runs) > 1:
        notes.append("±: standard error; that of a difference is of independent runs.")
    tables[-1].notes.extend(notes)
    return tables


def _check_same_types(runs: Sequence[tuple[str, Sequence[Row]]]) -> None:
    (first, rows), *others = runs
    known = {type(row) for row in rows}
    for run, theirs in others:
        types = {type(row) for row in theirs}
        if not types & known:
            raise ConfigError(
                f"run {run} holds {_names(types)}, run {first} holds {_names(known)}; only runs "
                "of the same kind of experiment can be compared"
            )


def _names(types: set[type[Row]]) -> str:
    return ", ".join(sorted(kind.__name__ for kind in types)) or "no rows"


def _by_id(run: str, rows: Sequence[Row]) -> dict[_Id, Row]:
    found: dict[_Id, Row] = {}
    for row in rows:
        key = (type(row), tuple(getattr(row, name) for name in row.KEY))
        if key in found:
            raise ValueError(f"run {run}: two rows are {type(row).__name__} {key[1]}")
        found[key] = row
    return found


def _compared(run: str, row: Row, first: Row | None, name: str) -> ComparedRow:
    value, stderr = _measured(row, name)
    difference = error = None
    if first is not None and first is not row:
        before, before_stderr = _measured(first, name)
        if value is not None and before is not None:
            difference = value - before
        if difference is not None and stderr is not None and before_stderr is not None:
            error = math.hypot(stderr, before_stderr)
    fields = row.as_dict()
    return ComparedRow(
        run=run,
        of=type(row).__name__,
        key={field: fields[field] for field in row.KEY},
        name=name,
        value=value,
        stderr=stderr,
        difference=difference,
        difference_stderr=error,
    )


def _measured(row: Row, name: str) -> tuple[float | None, float | None]:
    fields = row.as_dict()
    return fields.get(name), fields.get(f"{name}_stderr")


def _table(name: str, rows: list[ComparedRow], runs: Sequence[str]) -> Table:
    lines: dict[tuple[str, ...], dict[str, ComparedRow]] = {}
    for row in rows:
        lines.setdefault(tuple(map(_label, row.key.values())), {})[row.run] = row
    columns: list[Column[_Line]] = [
        Column(field, partial(_key_cell, place), text=True)
        for place, field in enumerate(rows[0].key)
    ]
    for place, run in enumerate(runs, 1):
        columns.append(Column(f"run {place}", partial(_value, run)))
        if place > 1:
            columns.append(Column(f"{place} - 1", partial(_change, run)))
    return build_table(name, columns, list(lines.items()))


def _key_cell(place: int, line: _Line) -> str:
    return line[0][place]


def _value(run: str, line: _Line) -> str | None:
    row = line[1].get(run)
    return None if row is None else _text(row.value, row.stderr, "")


def _change(run: str, line: _Line) -> str | None:
    row = line[1].get(run)
    return None if row is None else _text(row.difference, row.difference_stderr, "+")


def _label(value: Any) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _text(value: float | None, stderr: float | None, sign: str) -> str | None:
    """Return a figure with as many decimals as two digits of its error have."""
    if value is None:
        return None
    if not stderr:
        return f"{value:{sign}d}" if isinstance(value, int) else f"{value:{sign}.4g}"
    digits = max(0, 1 - math.floor(math.log10(stderr)))
    if digits > 6:
        return f"{value:{sign}.3g}±{stderr:.2g}"
    return f"{value:{sign}.{digits}f}±{stderr:.{digits}f}"
