"""Plots for the report, readable without telling colours apart."""

import io
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure as Canvas

from qrec.analysis.table import Figure

# Okabe and Ito's palette; the shapes say the same.
_STYLES = {
    "classical": ("o", "#0072B2"),
    "quantum": ("s", "#D55E00"),
    "hybrid": ("^", "#009E73"),
}


def error_figure(rows: Sequence[dict[str, Any]]) -> Figure:
    """Draw the RMSE of every row with its standard error, and the noise floor."""
    rows = [row for row in rows if row["rmse"] is not None]
    names = list(dict.fromkeys(map(_name, rows)))
    canvas = Canvas(figsize=(8, 1.2 + 0.28 * len(names)), layout="constrained")
    axes = canvas.subplots()
    for family, (marker, colour) in _STYLES.items():
        members = [row for row in rows if row["family"] == family]
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
    floors = [r["noise_floor"] for r in rows if r["shots"] is None and r["scored_on"] == "test"]
    if floors and floors[0] is not None:
        axes.axvline(floors[0], color="black", linestyle=":", label="noise floor")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("RMSE (rating units)")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False)
    caption = (
        "RMSE of every row, bars of one standard error. Circles: classical; squares: quantum; "
        "triangles: a classical corrector of a quantum prediction."
    )
    return Figure(caption, _png(canvas))


def _name(row: dict[str, Any]) -> str:
    where = f" on {row['backend']}" if row["backend"] else ""
    return f"{row['recommender']}{where}"


def _png(canvas: Canvas) -> bytes:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
