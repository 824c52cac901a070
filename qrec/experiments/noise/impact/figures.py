"""The figures of a noise impact: by source, by strength, by shots."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from qrec.analysis.figures import (
    CIRCLE,
    CROSS,
    DIAMOND,
    PALE_SQUARE,
    SQUARE,
    TRIANGLE,
    WEDGE,
    Figure,
    Style,
    draw_errors,
    new_canvas,
)
from qrec.analysis.forest import Line, Panel, draw_forest
from qrec.experiments.noise.impact.rows import ImpactRow, ThresholdRow
from qrec.experiments.noise.impact.said import NAMES
from qrec.experiments.noise.impact.spec import ALL, NONE
from qrec.experiments.noise.impact.variants import SHOTS, SOURCE, STRENGTH
from qrec.types import Row, of_type

_STYLES = (CIRCLE, SQUARE, TRIANGLE, DIAMOND, PALE_SQUARE, WEDGE, CROSS)
_WITH = {NONE: "no noise", ALL: "all noise"}
_HIGHEST = 1.25  # times the classical row's RMSE: above it a line leaves the picture


def impact_figures(rows: Sequence[Row]) -> dict[str, Figure]:
    """Return the figures by file name."""
    impact, thresholds = of_type(ImpactRow, rows), of_type(ThresholdRow, rows)
    labels = [row.recommender for row in thresholds]
    styles = {label: _STYLES[place % len(_STYLES)] for place, label in enumerate(labels)}
    against = next(row for row in impact if row.recommender == thresholds[0].against)
    return {
        "sources": _sources(impact, labels),
        "strength": _strength(impact, styles, against),
        "shots": _shots(impact, styles),
    }


def _sources(rows: Sequence[ImpactRow], labels: Sequence[str]) -> Figure:
    panels = []
    for label in labels:
        own = [
            row
            for row in rows
            if row.recommender == label and row.section == SOURCE and row.source != NONE
        ]
        lines = [
            Line(
                NAMES[r.source], "quantum", r.minus_exact or 0.0, _or_zero(r.low), _or_zero(r.high)
            )
            for r in own
        ]
        panels.append(Panel(f"{label}: RMSE minus exact", lines))
    caption = (
        "What each part of the device's noise alone, and all of it, adds to the RMSE of each "
        "recommender at infinitely many shots, with 95 % intervals (paired, users drawn again); "
        "right of zero is worse. Each has an axis of its own."
    )
    return Figure(caption, draw_forest(panels, np.inf, "{:+.2f}"))


def _strength(rows: Sequence[ImpactRow], styles: dict[str, Style], against: ImpactRow) -> Figure:
    canvas, axes = _canvas()
    for label, style in styles.items():
        own = [
            row
            for row in rows
            if row.recommender == label and row.section in (SOURCE, STRENGTH) and row.source == ALL
        ]
        own.sort(key=lambda row: row.scale)
        y = np.array([row.rmse for row in own])
        errors = [[_apart(row.low_against, row.minus_against) for row in own],
                  [_apart(row.minus_against, row.high_against) for row in own]]  # fmt: skip
        draw_errors(axes, style, [row.scale for row in own], y, yerr=np.array(errors), label=label)
    axes.axhline(against.rmse, color="black", linestyle=":", label=against.recommender)
    axes.set_ylim(top=_HIGHEST * against.rmse)
    axes.set_xlabel("strength of all noise, times that of the device")
    axes.set_ylabel("RMSE")
    canvas.legend(fontsize=8, loc="outside right upper")
    caption = (
        f"RMSE of each recommender by the strength of the noise; dotted: {against.recommender}. "
        f"Bars: 95 % intervals of the difference from {against.recommender} (paired, users drawn "
        "again): one that does not reach the dotted line is a difference. Infinitely many shots; "
        "lines far above it leave the picture."
    )
    return Figure(caption, canvas)


def _shots(rows: Sequence[ImpactRow], styles: dict[str, Style]) -> Figure:
    canvas, axes = _canvas()
    for label, style in styles.items():
        for source, line in ((NONE, "-"), (ALL, "--")):
            own = [
                row
                for row in rows
                if row.recommender == label and row.section == SHOTS and row.source == source
            ]
            shots = np.array([row.shots for row in own], float)
            errors = np.array([row.shot_error for row in own], float)
            face = "none" if source == ALL else style.colour
            axes.plot(
                shots, errors, linestyle="none", marker=style.marker, color=style.colour,
                markerfacecolor=face, markersize=5, label=f"{label}, {_WITH[source]}",
            )  # fmt: skip
            sd = own[0].shot_sd or np.nan
            axes.plot(shots, sd / np.sqrt(shots), line, color=style.colour, linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("shots of each reading")
    axes.set_ylabel("error by shots, rating units")
    canvas.legend(fontsize=8, loc="outside right upper")
    caption = (
        "What shots alone do to a prediction, root mean square over the pairs, without noise and "
        "(hollow, dashed) under all of it. Lines: the standard deviation of one shot over "
        "sqrt(shots); marks lie below them where predictions are clipped to the scale."
    )
    return Figure(caption, canvas)


def _line(row: ImpactRow) -> Line:
    name, value = NAMES[row.source], row.minus_exact or 0.0
    return Line(name, "quantum", value, _or_zero(row.low), _or_zero(row.high))


def _canvas() -> tuple[Canvas, Axes]:
    canvas = new_canvas(7.2, 4.0)
    axes = canvas.subplots()
    axes.grid(alpha=0.3)
    return canvas, axes


def _apart(low: float, high: float) -> float:
    return max(0.0, high - low) if np.isfinite(high - low) else 0.0


def _or_zero(value: float | None) -> float:
    return 0.0 if value is None or np.isnan(value) else value
