"""Forest plots: differences with their intervals, one below the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from qrec.analysis.figures import CIRCLE, SQUARE, TRIANGLE, draw_errors, new_canvas

FAMILIES = {"classical": CIRCLE, "quantum": SQUARE, "hybrid": TRIANGLE}
_ROUNDING = 1e-9
_NARROWEST = 1e-3


@dataclass(frozen=True)
class Line:
    """A difference of a row with its interval."""

    name: str
    family: str  # of `FAMILIES`
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Panel:
    """Lines on an axis of their own; `hollow` are those that others are not to be read beside."""

    title: str
    lines: Sequence[Line]
    hollow: bool = False
    unit: str = "rating units, "


def draw_forest(panels: Sequence[Panel], reach: float, form: str) -> Canvas:
    """Draw every panel that has lines.

    A line further off than `reach` would leave no room for the others: it is written at the edge,
    in the number format `form`.
    """
    panels = [panel for panel in panels if panel.lines]
    heights = [len(panel.lines) + 1 for panel in panels] or [1]
    canvas = new_canvas(8, 1.2 + 0.28 * sum(heights))
    grid = canvas.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, panel in zip(grid, panels, strict=False):
        _draw(axes, panel, reach, form)
    handles = {
        label: handle
        for axes in grid
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    shown = [family for family in FAMILIES if family in handles]
    canvas.legend(
        [handles[family] for family in shown], shown,
        loc="outside upper right", ncols=3, frameon=False,
    )  # fmt: skip
    return canvas


def _draw(axes: Axes, panel: Panel, reach: float, form: str) -> None:
    for family, style in FAMILIES.items():
        near = [
            (place, line)
            for place, line in enumerate(panel.lines)
            if line.family == family and abs(line.value) <= reach
        ]
        if near:
            # Of a skewed difference the interval by resampling may not hold the difference.
            apart = [[line.value - line.low, line.high - line.value] for _, line in near]
            draw_errors(
                axes, style, [line.value for _, line in near], [place for place, _ in near],
                xerr=list(np.maximum(0, apart).T), markersize=6, capsize=3, linestyle="none",
                markerfacecolor="none" if panel.hollow else style.colour, label=family,
            )  # fmt: skip
    for place, line in enumerate(panel.lines):
        if abs(line.value) > reach:
            text = f"{form.format(line.value)} \N{RIGHTWARDS ARROW}"
            in_axes = axes.get_yaxis_transform()
            axes.text(0.99, place, text, ha="right", va="center", transform=in_axes)
    axes.axvline(0, color="black", linewidth=1)
    if all(max(abs(line.low), abs(line.high)) < _ROUNDING for line in panel.lines):
        axes.set_xlim(-_NARROWEST, _NARROWEST)  # else rounding errors would fill the axis
    axes.set_yticks(range(len(panel.lines)), [line.name for line in panel.lines])
    axes.set_ylim(len(panel.lines) - 0.5, -0.5)
    axes.set_xlabel(f"{panel.title} ({panel.unit}95 % interval)")
    axes.grid(axis="x", alpha=0.3)
