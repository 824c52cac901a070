"""Tables and figures as plain data, and their form on a terminal."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Table:
    """A title, columns, rows of text, and notes that stand below.

    The first `n_text` columns are text and stand to the left, the others are figures.
    """

    title: str
    columns: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)
    n_text: int = 1


@dataclass(frozen=True)
class Figure:
    """A picture, as PNG, with what it shows in words."""

    caption: str
    png: bytes


def show(table: Table, console: "Console") -> None:
    """Print the table: title, body, notes."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    body = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, column in enumerate(table.columns):
        justify: Literal["left", "right"] = "left" if place < table.n_text else "right"
        body.add_column(column, justify=justify, overflow="fold")
    for row in table.rows:
        body.add_row(*map(Text, row))
    console.print(Text(table.title, style="bold"))
    console.print(body)
    for note in table.notes:
        console.print(Text(note))
    console.print()


def to_text(table: Table, width: int = 80) -> str:
    """Return the table as text of at most `width` columns."""
    from io import StringIO

    from rich.console import Console

    file = StringIO()
    show(table, Console(file=file, width=width, color_system=None))
    return file.getvalue()


def number(value: float | None, digits: int) -> str:
    """Return a figure with this many decimals; "-" where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"
