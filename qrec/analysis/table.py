"""Tables as plain data, how they are built from rows, and their form on a terminal."""

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

R = TypeVar("R")


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
class Column(Generic[R]):
    """A column of a table: its header, the value it shows of a row, and how that is written.

    `format` is a format string or a function of the value; "-" stands where the value is None or
    ``nan``. Columns of `text` stand first in a table.
    """

    header: str
    value: Callable[[R], Any]
    format: str | Callable[[Any], str] = "{}"
    text: bool = False

    def cell(self, row: R) -> str:
        """Return what the table shows of `row`."""
        value = self.value(row)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "-"
        return self.format.format(value) if isinstance(self.format, str) else self.format(value)


def build_table(
    title: str, columns: Sequence[Column[R]], rows: Sequence[R], notes: Sequence[str] = ()
) -> Table:
    """Return the table of `rows`, one line each. Raises ValueError for text after a figure."""
    n_text = sum(column.text for column in columns)
    if not all(column.text for column in columns[:n_text]):
        raise ValueError(f"{title}: columns of text stand first")
    body = [[column.cell(row) for column in columns] for row in rows]
    return Table(title, [column.header for column in columns], body, list(notes), n_text)


def show(table: Table, console: "Console") -> None:
    """Print the table: title, body, notes.

    A table wider than the console continues below, in further blocks that repeat the columns of
    text, so that no figure is broken.
    """
    from rich.text import Text

    console.print(Text(plain(table.title), style="bold"))
    for figures in _blocks(table, console):
        console.print(_body(table, figures, console.width))
    for note in table.notes:
        console.print(Text(plain(note)))
    console.print()


def to_text(table: Table, width: int = 80) -> str:
    """Return the table as text of at most `width` columns."""
    from io import StringIO

    from rich.console import Console

    file = StringIO()
    show(table, Console(file=file, width=width, color_system=None))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def number(value: float | None, digits: int) -> str:
    """Return a figure with this many decimals; "-" where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def with_stderr(value: float | None, stderr: float | None, digits: int) -> str:
    """Return a figure and its standard error with this many decimals; "-" without a figure."""
    if value is None or math.isnan(value):
        return "-"
    return f"{number(value, digits)}±{number(stderr, digits)}"


def short_stderr(stderr: float | None) -> str:
    """Return a standard error with three decimals and no zero before them."""
    return number(stderr, 3).removeprefix("0")


def plain(text: str) -> str:
    """Return the text with control characters written out, as foreign names may hold some."""
    return "".join(
        char
        if char == "\n" or unicodedata.category(char)[0] != "C"
        else char.encode("unicode_escape").decode()
        for char in text
    )


def _blocks(table: Table, console: "Console") -> list[list[int]]:
    """Return the places of the figure columns that stand beside each other, block by block."""
    unlimited = console.options.update(width=100_000)
    blocks: list[list[int]] = [[]]
    for place in range(table.n_text, len(table.columns)):
        wider = [*blocks[-1], place]
        width = console.measure(_body(table, wider, console.width), options=unlimited).maximum
        if blocks[-1] and width > console.width:
            blocks.append([place])
        else:
            blocks[-1] = wider
    return blocks


def _body(table: Table, figures: Sequence[int], width: int) -> "RichTable":
    """Return the columns of text and these others.

    Where even these are too wide, text is broken between words, and so is a figure only if it
    takes what names leave. A word is broken only where the words alone are too wide.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table as RichTable
    from rich.text import Text

    body = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    places = [*range(table.n_text), *figures]
    cells = [[plain(row[place]) for place in places] for row in table.rows]
    headers = [plain(table.columns[place]) for place in places]
    columns = list(zip(headers, *cells, strict=True))
    widest = [max(map(cell_len, column)) for column in columns]
    words = [max(cell_len(w) for text in c for w in text.split() or [""]) for c in columns]
    names = sum(word + 1 for word in words[: table.n_text])
    unbroken = names + sum(words[table.n_text :]) + len(figures) <= width
    for at, header in enumerate(headers):
        text = at < table.n_text
        whole = not text and widest[at] <= (width - names if unbroken else width // 2)
        justify: Literal["left", "right"] = "left" if text else "right"
        body.add_column(
            Text(header),
            justify=justify,
            overflow="fold",
            no_wrap=whole,
            min_width=words[at] if unbroken else None,
        )
    for row in cells:
        body.add_row(*map(Text, row))
    return body
