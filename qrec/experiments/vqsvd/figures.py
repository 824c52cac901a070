"""How the variational SVD's experiments draw and tabulate one line per objective."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from qrec.analysis.figures import CIRCLE, CROSS, SQUARE, TRIANGLE, WEDGE, draw_errors
from qrec.analysis.table import Column, Table, build_table, number
from qrec.experiments.vqsvd.sweep import OPTIMUM, SweepRow

STYLES = {
    "original": CIRCLE,
    "modified": SQUARE,
    "subspace": TRIANGLE,
    "coincidence": WEDGE,
    OPTIMUM: CROSS,
}
# What the figures write on their vertical axis.
Y_LABELS = {
    "mse": "mean squared error",
    "best_mse": "mean squared error",
    "psnr": "PSNR, dB",
    "circuits_finite_difference": "circuit runs",
}
_Line = tuple[tuple[Any, ...], dict[str, SweepRow]]  # values of the keys, and a row per objective


def draw_lines(axes: Axes, rows: Sequence[SweepRow], x: str, y: str) -> None:
    """Draw field `y` against field `x` with its standard error, one line per objective."""
    known = [row for row in rows if getattr(row, y) is not None]
    for name in dict.fromkeys(row.objective for row in known):
        line = [row for row in known if row.objective == name]
        xs, ys, errors = ([getattr(row, key) for row in line] for key in (x, y, f"{y}_stderr"))
        dashes = ":" if name == OPTIMUM else "-"
        draw_errors(axes, STYLES[name], xs, ys, yerr=errors, linestyle=dashes, label=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def objective_table(
    title: str,
    rows: Sequence[SweepRow],
    keys: Mapping[str, str],
    value: str,
    digits: int,
    notes: Sequence[str],
) -> Table:
    """Return a table of the field `value`: a line per value of the key fields, a column each
    objective. `keys` are the columns of text, header -> field.
    """
    known = [row for row in rows if getattr(row, value) is not None]
    lines: dict[tuple[Any, ...], dict[str, SweepRow]] = {}
    for row in known:
        key = tuple(getattr(row, field) for field in keys.values())
        lines.setdefault(key, {})[row.objective] = row
    columns: list[Column[_Line]] = [
        Column(header, partial(_key, place), text=True) for place, header in enumerate(keys)
    ]
    columns += [
        Column(name, partial(_cell, name, value, digits))
        for name in STYLES
        if any(row.objective == name for row in known)
    ]
    return build_table(title, columns, list(lines.items()), notes)


def _key(place: int, line: _Line) -> str:
    key = line[0][place]
    return f"{key:g}" if isinstance(key, float) else str(key)


def _cell(name: str, value: str, digits: int, line: _Line) -> str | None:
    if name not in line[1]:
        return None
    row = line[1][name]
    stderr = getattr(row, f"{value}_stderr")
    text = number(getattr(row, value), digits)
    return text if stderr is None else f"{text} ± {stderr:.{digits}f}"
