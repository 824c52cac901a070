"""The figures of a comparison: differences to the best classical row, and what is predicted."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np
from matplotlib.axes import Axes

from qrec.analysis.compare import DifferenceRow, Key
from qrec.analysis.figures import Figure, new_canvas
from qrec.analysis.forest import FAMILIES, Line, Panel, draw_forest
from qrec.analysis.samples import Sample, is_drawn, name_of, row_key
from qrec.types import Array

_REACH = 0.25  # of the RMSE: what is further off is written at the edge
_N_BINS = 41
_TRUE_STARS = "#888888"
_FOREST_CAPTION = (
    "RMSE minus that of the best classical row on the pairs that both score, and below, of rows "
    "with shots, minus that of the same recommender evaluated exactly, with 95 % intervals "
    "(paired, clustered by user); left of zero is better. Circles: classical; squares: quantum; "
    "triangles: a classical corrector of a quantum prediction. Hollow, on axes of their own: "
    "rows with shots, on a sample of the pairs."
)
_SPREAD_CAPTION = (
    "What each row predicts, each histogram as high as its own highest bar; grey line: the true "
    "ratings of the same pairs. At the right the standard deviation, of the true ratings in the "
    "axis title. One narrow peak is a row that predicts little but the mean. Hollow, on an axis "
    "of their own: rows with shots, on a sample of the pairs."
)


def forest_figure(
    differences: Sequence[DifferenceRow], families: Mapping[Key, str], rmse: float
) -> Figure:
    """Draw how the RMSE of every row differs from that of the best classical row, `rmse`.

    Rows on all pairs and rows on a sample have an axis each, and so has what the latter differ
    from their own exact rows. A row far off would leave no room for the others: it is written at
    the edge.
    """
    drawn = [row for row in differences if row.shots is not None]
    best, exact = partial(_panel, families=families, to="classical"), "minus own exact"
    panels = [
        best("minus best classical, all pairs", [r for r in differences if r.shots is None]),
        best("minus best classical, a sample of the pairs", drawn, hollow=True),
        _panel(f"{exact}, a sample of the pairs", drawn, families, to="exact", hollow=True),
    ]
    return Figure(_FOREST_CAPTION, draw_forest(panels, _REACH * rmse, "{:+.2f}"))


def spread_figure(samples: Sequence[Sample], families: Mapping[Key, str]) -> Figure:
    """Draw a histogram of what each row predicts over that of the true ratings.

    Rows on all pairs and rows on a sample have an axis each. Predictions beyond the true ratings
    count in the outermost bars.
    """
    low, high = (f([f(sample.truth) for sample in samples]) for f in (np.min, np.max))
    edges = np.linspace(low - 0.25, high + 0.25, _N_BINS + 1)
    groups = {
        "all pairs": [sample for sample in samples if not is_drawn(sample)],
        "a sample of the pairs": [sample for sample in samples if is_drawn(sample)],
    }
    groups = {pairs: group for pairs, group in groups.items() if group}
    heights = [len(group) + 0.5 for group in groups.values()]
    canvas = new_canvas(8, 0.9 * len(groups) + 0.36 * sum(heights))
    grid = canvas.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (pairs, group) in zip(grid, groups.items(), strict=True):
        _draw_spread(axes, group, families, edges)
        spread = f"{group[0].truth.std():.2f}"
        axes.set_xlabel(f"rating, {pairs} (standard deviation of the true ones {spread})")
    return Figure(_SPREAD_CAPTION, canvas)


def _draw_spread(
    axes: Axes, samples: Sequence[Sample], families: Mapping[Key, str], edges: Array
) -> None:
    for place, sample in enumerate(samples):
        style = FAMILIES[families[row_key(sample)]]
        predicted = sample.prediction[~np.isnan(sample.prediction)]
        heights, filled = place - _profile(predicted, edges), not is_drawn(sample)
        axes.stairs(heights, edges, baseline=place, fill=filled, color=style.colour, alpha=0.8)
        truth = place - _profile(sample.truth, edges)
        axes.stairs(truth, edges, baseline=place, color=_TRUE_STARS, linewidth=0.8)
        said = f"{predicted.std():.2f}" if len(predicted) else "scores nothing"
        axes.text(1.01, place - 0.3, said, va="center", transform=axes.get_yaxis_transform())
    axes.set_ylim(len(samples) - 0.9, -1)
    names = [name_of(*row_key(sample)) for sample in samples]
    axes.set_yticks(range(len(samples)), names, va="bottom")


def _panel(
    title: str,
    rows: Sequence[DifferenceRow],
    families: Mapping[Key, str],
    to: Literal["classical", "exact"],
    hollow: bool = False,
) -> Panel:
    """Return the lines of the rows of which the difference `to` another row is known."""
    lines = []
    for row in rows:
        value = getattr(row, f"rmse_minus_{to}")
        if value is not None:
            reach = 1.96 * (getattr(row, f"stderr_{to}") or 0)
            key = row.recommender, row.backend
            lines.append(Line(name_of(*key), families[key], value, value - reach, value + reach))
    return Panel(f"RMSE {title}", lines, hollow)


def _profile(values: Array, edges: Array) -> Array:
    """Return a histogram whose highest bar is just below 1."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return np.asarray(0.85 * counts / max(1, counts.max()))
