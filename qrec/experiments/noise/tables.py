"""What `noise_training` finds, row by row, and what it shows: tables and a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qrec.analysis.figures import CIRCLE, SQUARE, Figure, draw_errors, new_canvas
from qrec.analysis.table import Column, Table, build_table, short_stderr
from qrec.types import Row

# How a net was trained, and whether its readings are put back on the noiseless ones.
IDEAL, PUT_BACK, NOISY = "without noise", "without, put back", "with noise"
_STYLES = {IDEAL: (CIRCLE, -0.12), PUT_BACK: (SQUARE, 0.12)}  # with the side of the tick


@dataclass(frozen=True, kw_only=True)
class ScoreRow(Row):
    """RMSE of one arm at one depth, or of a classical model, scored without and with noise.

    Mean over starts; standard errors are clustered by user. None where it is not scored so.
    """

    KEY: ClassVar[tuple[str, ...]] = ("n_layers", "trained")
    VALUES: ClassVar[tuple[str, ...]] = ("rmse_without", "rmse_with")

    n_layers: int | None = None
    qubits: int | None = None
    two_qubit_gates: int | None = None
    trained: str
    rmse_without: float | None = None
    rmse_without_stderr: float | None = None
    rmse_without_by_start: list[float] | None = None
    rmse_with: float | None = None
    rmse_with_stderr: float | None = None
    rmse_with_by_start: list[float] | None = None


@dataclass(frozen=True, kw_only=True)
class GainRow(Row):
    """RMSE with noise of the net trained with noise, minus that of the net trained as `minus`."""

    KEY: ClassVar[tuple[str, ...]] = ("n_layers", "minus")
    VALUES: ClassVar[tuple[str, ...]] = ("difference",)

    n_layers: int
    qubits: int
    two_qubit_gates: int
    minus: str
    difference: float
    low: float  # of its 95 % interval, over users and starts
    high: float
    user_stderr: float
    start_sd: float
    difference_by_start: list[float]


@dataclass(frozen=True, kw_only=True)
class LineRow(Row):
    """What noise does to a reading: about shrink <Z_0> + shift, but for `left`.

    That is the standard deviation of what the line leaves over that of <Z_0>. Means over starts.
    """

    KEY: ClassVar[tuple[str, ...]] = ("n_layers",)
    VALUES: ClassVar[tuple[str, ...]] = ("shrink", "shift", "left")

    n_layers: int
    qubits: int
    two_qubit_gates: int
    shrink: float
    shift: float
    left: float


def score_table(title: str, rows: Sequence[ScoreRow]) -> Table:
    """Return the RMSE of every arm, and of the classical models."""
    columns: list[Column[ScoreRow]] = [
        Column("layers", lambda row: row.n_layers, text=True),
        Column("trained", lambda row: row.trained, text=True),
        Column(
            "scored without noise",
            lambda row: _with_error(row.rmse_without, row.rmse_without_stderr),
        ),
        Column("scored with noise", lambda row: _with_error(row.rmse_with, row.rmse_with_stderr)),
    ]
    notes = [
        "RMSE on the test pairs, scored without and with noise at infinite shots: mean over "
        "starts ± standard error, clustered by user. Put back: readings under noise are put on "
        "the line that brings the training pairs' nearest to the noiseless ones."
    ]
    return build_table(title, columns, rows, notes)


def difference_table(rows: Sequence[GainRow]) -> Table:
    """Return what training with noise gains under noise."""
    columns: list[Column[GainRow]] = [
        Column("layers", lambda row: row.n_layers, text=True),
        Column("minus trained", lambda row: row.minus, text=True),
        Column("difference", lambda row: row.difference, "{:+.4f}"),
        Column("interval", lambda row: f"{row.low:+.4f} to {row.high:+.4f}"),
        Column("sd", lambda row: row.start_sd, "{:.4f}"),
        Column("better", _better),
    ]
    notes = [
        "RMSE, scored with noise, of the net trained with noise minus that of the net trained "
        "otherwise from the same start; below zero, training with noise helps. Interval: 95 %, "
        "over users and starts (Student's t). sd: over starts. better: starts where it helps."
    ]
    return build_table("Does training with noise help?", columns, rows, notes)


def noise_table(rows: Sequence[LineRow]) -> Table:
    """Return what noise does to the readings of the nets trained without it."""
    columns: list[Column[LineRow]] = [
        Column("layers", lambda row: row.n_layers, text=True),
        Column("qubits", lambda row: row.qubits),
        Column("2q gates", lambda row: row.two_qubit_gates),
        Column("shrink", lambda row: row.shrink, "{:.3f}"),
        Column("shift", lambda row: row.shift, "{:+.4f}"),
        Column("left", lambda row: 100 * row.left, "{:.1f} %"),
    ]
    notes = [
        "Of the nets trained without noise, mean over starts: under noise a reading <Z_0> is "
        "about shrink <Z_0> + shift. left: standard deviation of what this line leaves over "
        "that of <Z_0>."
    ]
    return build_table("What noise does to a reading", columns, rows, notes)


def difference_figure(rows: Sequence[GainRow]) -> Figure:
    """Return the differences of `difference_table`, a dot per start."""
    canvas = new_canvas(6.0, 3.6)
    axes = canvas.subplots()
    for arm, (style, side) in _STYLES.items():
        line = [row for row in rows if row.minus == arm]
        for place, row in enumerate(line):
            dots = row.difference_by_start
            axes.plot([place + side] * len(dots), dots, ".", color=style.colour, alpha=0.5)
        means, low, high = np.array([[row.difference, row.low, row.high] for row in line]).T
        places, errors = np.arange(len(line)) + side + 0.06, [means - low, high - means]
        marks = {"linestyle": "none", "capsize": 3, "label": f"minus trained {arm}"}
        draw_errors(axes, style, places, means, yerr=errors, **marks)
    depths = [row.n_layers for row in line]
    axes.axhline(0.0, color="black", linestyle=":")
    axes.set_xticks(range(len(depths)), [str(depth) for depth in depths])
    axes.set_xlim(-0.5, len(depths) - 0.5)
    axes.set_xlabel("layers")
    axes.set_ylabel("difference of RMSE under noise")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    caption = (
        "RMSE, scored with noise, of the net trained with noise minus that of the net trained "
        "otherwise. Dots: one start each; bars: mean and 95 % interval, over users and starts. "
        "Below the dotted line, training with noise helps."
    )
    return Figure(caption, canvas)


def _better(row: GainRow) -> str:
    by_start = row.difference_by_start
    return f"{sum(d < 0 for d in by_start)} of {len(by_start)}"


def _with_error(value: float | None, stderr: float | None) -> str | None:
    return None if value is None else f"{value:.4f}±{short_stderr(stderr)}"
