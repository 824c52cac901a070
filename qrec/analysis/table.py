"""Tables as plain data, how they are built from rows, and their form on a terminal."""

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

R = TypeVar("R")
_SHORT = 12  # characters of a name for which a number would win nothing


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
    text, so that no figure is broken. Nor is a name, such as a run's id, which is copied: where
    names are too long to stand beside each other, numbers stand for them, which the notes explain.
    """
    from rich.text import Text

    table = _numbered(table, console.width)
    for line in _lines(table.title, console.width):
        console.print(Text(line, style="bold"), soft_wrap=True)
    for figures in _blocks(table, console):
        console.print(_body(table, figures, console.width))
    for note in table.notes:
        for line in _lines(note, console.width):
            console.print(Text(line), soft_wrap=True)
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


def _lines(text: str, width: int) -> list[str]:
    """Return the lines of a text; a word longer than one, such as a path, stays whole."""
    return [
        line
        for part in plain(text).split("\n")
        for line in wrap(part, width, break_long_words=False, break_on_hyphens=False) or [""]
    ]


def _wide(columns: Sequence[int]) -> int:
    """Return the width of a table whose columns are so wide: with two blanks for each."""
    return sum(columns) + 2 * len(columns)


def _shared(least: Sequence[int], widest: Sequence[int], width: int) -> list[int]:
    """Return the widths of columns between these bounds; what is left over goes by what each lacks.

    Rich itself would take from a column whose words need it.
    """
    lacking = [most - low for most, low in zip(widest, least, strict=True)]
    left, needed = width - _wide(least), max(sum(lacking), 1)
    return [
        low + min(more, left * more // needed) for low, more in zip(least, lacking, strict=True)
    ]


def _longest_word(cell: str) -> int:
    """Return how wide a cell is at least, if no word of it is broken."""
    from rich.cells import cell_len

    return max(map(cell_len, plain(cell).split()), default=0)


def _numbered(table: Table, width: int) -> Table:
    """Return a table whose words fit: numbers for the texts that have longer ones.

    In as few columns as will do, that of the longest word first.
    """
    while True:
        columns = zip(table.columns, *table.rows, strict=True)
        words = [max(map(_longest_word, column)) for column in columns]
        place = max(range(table.n_text), key=words.__getitem__, default=0)
        least = [*words[: table.n_text], *sorted(words[table.n_text :])[-1:]]  # of a block
        room = max(width - _wide(least) + words[place], _SHORT) if table.n_text else width
        if not table.n_text or words[place] <= room:
            return table
        cells = dict.fromkeys(row[place] for row in table.rows)
        long = [cell for cell in cells if _longest_word(cell) > room]
        if not long:  # it is the header
            return table
        number = {cell: str(at) for at, cell in enumerate(long, 1)}
        rows = [
            [*row[:place], number.get(row[place], row[place]), *row[place + 1 :]]
            for row in table.rows
        ]
        notes = [f"{table.columns[place]} {number[cell]}: {cell}".lstrip() for cell in long]
        table = replace(table, rows=rows, notes=[*notes, *table.notes])


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
    names = _wide(words[: table.n_text])
    unbroken = _wide(words) <= width
    text_only = range(table.n_text)
    least = [words[at] if at in text_only else widest[at] for at in range(len(places))]
    fixed = _shared(least, widest, width) if unbroken and _wide(least) <= width else None
    for at, header in enumerate(headers):
        text = at in text_only
        whole = not text and widest[at] <= (width - names if unbroken else width // 2)
        justify: Literal["left", "right"] = "left" if text else "right"
        body.add_column(
            Text(header),
            justify=justify,
            overflow="fold",
            no_wrap=whole,
            min_width=words[at] if unbroken else None,
            width=fixed[at] if fixed else None,
        )
    for row in cells:
        body.add_row(*map(Text, row))
    return body
