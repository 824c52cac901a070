"""Plots for the report, readable without telling colours apart."""

import io
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure as Canvas

from qrec.analysis.table import Figure

_WIDEST = 1.6  # times the lowest RMSE: what is drawn at its place
_CAPTION = (
    "RMSE of every row, bars of one standard error. Circles: classical; squares: quantum; "
    "triangles: a classical corrector of a quantum prediction."
)
# Okabe and Ito's palette; the shapes say the same.
_STYLES = {
    "classical": ("o", "#0072B2"),
    "quantum": ("s", "#D55E00"),
    "hybrid": ("^", "#009E73"),
}


def error_figure(rows: Sequence[dict[str, Any]]) -> Figure:
    """Draw the RMSE of every row with its standard error, and the noise floor.

    A row far off would leave no room for the others: it is written at the edge.
    """
    rows = [row for row in rows if row["rmse"] is not None]
    names = list(dict.fromkeys(map(_name, rows)))
    canvas = Canvas(figsize=(8, 1.2 + 0.28 * len(names)), layout="constrained")
    axes = canvas.subplots()
    edge = _WIDEST * min((row["rmse"] for row in rows), default=1.0)
    for family, (marker, colour) in _STYLES.items():
        members = [r for r in rows if r["family"] == family and r["rmse"] <= edge]
        if members:
            axes.errorbar(
                [row["rmse"] for row in members],
                [names.index(_name(row)) for row in members],
                xerr=[row["rmse_stderr"] or 0.0 for row in members],
                fmt=marker,
                color=colour,
                markersize=6,
                capsize=3,
                linestyle="none",
                label=family,
            )
    for row in rows:
        if row["rmse"] > edge:
            text = f"{row['rmse']:.2f} \N{RIGHTWARDS ARROW}"
            at, in_axes = names.index(_name(row)), axes.get_yaxis_transform()
            axes.text(0.99, at, text, ha="right", va="center", transform=in_axes)
    floors = [r["noise_floor"] for r in rows if r["shots"] is None and r["scored_on"] == "test"]
    if floors and floors[0] is not None:
        axes.axvline(floors[0], color="black", linestyle=":", label="noise floor")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("RMSE (rating units)")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False)
    return Figure(_CAPTION, _png(canvas))


def _name(row: dict[str, Any]) -> str:
    where = f" on {row['backend']}" if row["backend"] else ""
    return f"{row['recommender']}{where}"


def _png(canvas: Canvas) -> bytes:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
