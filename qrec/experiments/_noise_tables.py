"""What `noise_training` shows: its tables and its figure, from the rows."""

import numpy as np
from matplotlib.figure import Figure as Canvas

from qrec.analysis.figures import CIRCLE, SQUARE, Figure, draw_errors, to_png
from qrec.analysis.table import Table, number
from qrec.experiments._tasks import Row

# How a net was trained, and whether its readings are put back on the noiseless ones.
IDEAL, PUT_BACK, NOISY = "without noise", "without, put back", "with noise"
_STYLES = {IDEAL: (CIRCLE, -0.12), PUT_BACK: (SQUARE, 0.12)}  # with the side of the tick


def score_table(title: str, rows: list[Row]) -> Table:
    """Return the RMSE of every arm, and of the classical models."""
    body = [
        [
            str(row.get("n_layers", "-")),
            row["trained"],
            _with_error(row, "without"),
            _with_error(row, "with"),
        ]
        for row in rows
        if "trained" in row
    ]
    notes = [
        "RMSE on the test pairs, scored without and with noise at infinite shots: mean over "
        "starts ± standard error, clustered by user. Put back: readings under noise are put on "
        "the line that brings the training pairs' nearest to the noiseless ones."
    ]
    columns = ["layers", "trained", "scored without noise", "scored with noise"]
    return Table(title, columns, body, notes, n_text=2)


def difference_table(rows: list[Row]) -> Table:
    """Return what training with noise gains under noise."""
    body = [
        [
            str(row["n_layers"]),
            row["minus"],
            f"{row['difference']:+.4f}",
            f"{row['low']:+.4f} to {row['high']:+.4f}",
            number(row["start_sd"], 4),
            f"{sum(d < 0 for d in row['difference_by_start'])} of "
            f"{len(row['difference_by_start'])}",
        ]
        for row in rows
        if "minus" in row
    ]
    notes = [
        "RMSE, scored with noise, of the net trained with noise minus that of the net trained "
        "otherwise from the same start; below zero, training with noise helps. Interval: 95 %, "
        "over users and starts (Student's t). sd: over starts. better: starts where it helps."
    ]
    columns = ["layers", "minus trained", "difference", "interval", "sd", "better"]
    return Table("Does training with noise help?", columns, body, notes, n_text=2)


def noise_table(rows: list[Row]) -> Table:
    """Return what noise does to the readings of the nets trained without it."""
    body = [
        [
            str(row["n_layers"]),
            str(row["qubits"]),
            str(row["two_qubit_gates"]),
            number(row["shrink"], 3),
            f"{row['shift']:+.4f}",
            f"{100 * row['left']:.1f} %",
        ]
        for row in rows
        if "shrink" in row
    ]
    notes = [
        "Of the nets trained without noise, mean over starts: under noise a reading <Z_0> is "
        "about shrink <Z_0> + shift. left: standard deviation of what this line leaves over "
        "that of <Z_0>."
    ]
    columns = ["layers", "qubits", "2q gates", "shrink", "shift", "left"]
    return Table("What noise does to a reading", columns, body, notes)


def difference_figure(rows: list[Row]) -> Figure:
    """Return the differences of `difference_table`, a dot per start."""
    canvas = Canvas(figsize=(6.0, 3.6), layout="constrained")
    axes = canvas.subplots()
    for arm, (style, side) in _STYLES.items():
        line = [row for row in rows if row.get("minus") == arm]
        for place, row in enumerate(line):
            dots = row["difference_by_start"]
            axes.plot([place + side] * len(dots), dots, ".", color=style.colour, alpha=0.5)
        means, low, high = (
            np.array([row[k] for row in line]) for k in ("difference", "low", "high")
        )
        places, errors = np.arange(len(line)) + side + 0.06, [means - low, high - means]
        marks = {"linestyle": "none", "capsize": 3, "label": f"minus trained {arm}"}
        draw_errors(axes, style, places, means, yerr=errors, **marks)
    depths = [row["n_layers"] for row in line]
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
    return Figure(caption, to_png(canvas))


def _with_error(row: Row, name: str) -> str:
    if f"rmse_{name}" not in row:
        return "-"
    return f"{row[f'rmse_{name}']:.4f}±{row[f'rmse_{name}_stderr']:.3f}".replace("±0.", "±.")
