"""The figure of a fair comparison: every difference with its interval, a forest plot."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from qrec.analysis.figures import CIRCLE, SQUARE, TRIANGLE, Figure
from qrec.experiments.fair.rows import BEST, CONTROL, DifferenceRow, FairRow
from qrec.types import Row, of_type

_STYLES = {"classical": CIRCLE, "quantum": SQUARE, "hybrid": TRIANGLE}
_REACH = 0.03  # what is further from the best row is written at the edge


def forest_figure(protocol: str, rows: Sequence[Row]) -> Figure:
    """Draw how the rows of a protocol differ from the best classical row and from controls."""
    fair = [row for row in of_type(FairRow, rows) if row.protocol == protocol]
    families = {row.recommender: row.family for row in fair}
    seed = None if any(row.seed is None for row in fair) else 0
    apart = [r for r in of_type(DifferenceRow, rows) if r.protocol == protocol and r.seed == seed]
    panels = [
        ("RMSE minus best classical", [(r.recommender, r) for r in apart if r.role == BEST]),
        (
            "RMSE minus control",
            [(f"{r.recommender} - {r.against}", r) for r in apart if r.role == CONTROL],
        ),
    ]
    panels = [panel for panel in panels if panel[1]]
    heights = [len(lines) + 1 for _, lines in panels]
    canvas = Canvas(figsize=(8, 1 + 0.28 * sum(heights)), layout="constrained")
    axes = canvas.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for each, (title, lines) in zip(axes, panels, strict=True):
        _draw(each, title, lines, families)
    handles, labels = axes[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False)
    return Figure(_caption(protocol, [row for _, lines in panels for _, row in lines]), canvas)


def _draw(
    axes: Axes, title: str, lines: Sequence[tuple[str, DifferenceRow]], families: dict[str, str]
) -> None:
    for family, style in _STYLES.items():
        own = [
            (place, row)
            for place, (_, row) in enumerate(lines)
            if families[row.recommender] == family and abs(row.difference) <= _REACH
        ]
        if own:
            # Of a skewed difference the interval by resampling may not hold the difference.
            reach = np.maximum(
                0,
                [
                    [row.difference - row.low for _, row in own],
                    [row.high - row.difference for _, row in own],
                ],
            )
            x, y = [row.difference for _, row in own], [place for place, _ in own]
            axes.errorbar(
                x, y, xerr=reach, marker=style.marker, color=style.colour, label=family,
                markersize=5, capsize=3, linestyle="none",
            )  # fmt: skip
    for place, (_, row) in enumerate(lines):
        if abs(row.difference) > _REACH:
            axes.text(
                0.99, place, f"{row.difference:+.3f} \N{RIGHTWARDS ARROW}",
                ha="right", va="center", transform=axes.get_yaxis_transform(),
            )  # fmt: skip
    axes.axvline(0, color="black", linewidth=1)
    axes.set_yticks(range(len(lines)), [name for name, _ in lines])
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlabel(f"{title} (rating units, 95 % interval)")
    axes.grid(axis="x", alpha=0.3)


def _caption(protocol: str, rows: Sequence[DifferenceRow]) -> str:
    """Say what is drawn, and how many intervals lie where."""
    counts = [sum(row.verdict == word for row in rows) for word in ("better", "worse")]
    return (
        f"Differences of RMSE under protocol {protocol} with 95 % intervals, from the best "
        "classical row above and from controls below; left of zero is better. Circles: classical; "
        f"squares: quantum; triangles: hybrid. Of {len(rows)} intervals {counts[0]} lie left "
        f"of zero and {counts[1]} right of it; the others hold it."
    )
