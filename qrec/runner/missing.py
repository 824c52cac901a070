"""The steps of a run that could not be done, among its rows, tables and sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from qrec.analysis.table import Column, Table, build_table
from qrec.types import Row


@dataclass(frozen=True, kw_only=True)
class MissingRow(Row):
    """A step that could not be done, or that comes after such a one, and why."""

    KEY: ClassVar[tuple[str, ...]] = ("step",)

    step: str
    problem: str


def missing_table(rows: Sequence[MissingRow]) -> Table:
    """Return the table that stands after all others."""
    columns: list[Column[MissingRow]] = [
        Column("step", lambda row: row.step, text=True),
        Column("why", lambda row: row.problem, text=True),
    ]
    return build_table("what could not be done", columns, rows)


def missing_said(rows: Sequence[MissingRow]) -> str:
    """Return how many steps could not be done, and why the first of them."""
    first = rows[0]
    others = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"Not done: step {first.step}: {first.problem}{others}."
