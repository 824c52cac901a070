"""The figures of a comparison: differences to the best classical row, and what is predicted."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure as Canvas

from qrec.analysis.compare import DifferenceRow, Key
from qrec.analysis.figures import Figure
from qrec.analysis.forest import FAMILIES, Line, Panel, draw_forest
from qrec.analysis.samples import Sample
from qrec.types import Array

_REACH = 0.25  # of the RMSE: what is further off is written at the edge
_N_BINS = 41
_TRUE_STARS = "#888888"
_FOREST_CAPTION = (
    "RMSE minus that of the best classical row on the pairs that both score, with 95 % intervals "
    "(paired, clustered by user); left of zero is better. Circles: classical; squares: quantum; "
    "triangles: a classical corrector of a quantum prediction. Hollow, on an axis of their own: "
    "rows with shots, on a sample of the pairs."
)
_SPREAD_CAPTION = (
    "What each row predicts, each histogram as high as its own highest bar; grey line: the true "
    "ratings of the same pairs. At the right the standard deviation, of the true ratings in the "
    "axis title. One narrow peak is a row that predicts little but the mean. Pale: rows with shots."
)


def forest_figure(
    differences: Sequence[DifferenceRow], families: Mapping[Key, str], rmse: float
) -> Figure:
    """Draw how the RMSE of every row differs from that of the best classical row, `rmse`.

    Rows on all pairs and rows on a sample have an axis each. A row far off would leave no room
    for the others: it is written at the edge.
    """
    known = [row for row in differences if row.rmse_minus_classical is not None]
    panels = [
        _panel("all pairs", [row for row in known if row.shots is None], families),
        _panel("a sample of the pairs", [r for r in known if r.shots is not None], families, True),
    ]
    return Figure(_FOREST_CAPTION, draw_forest(panels, _REACH * rmse, "{:+.2f}"))


def spread_figure(samples: Sequence[Sample], families: Mapping[Key, str]) -> Figure:
    """Draw a histogram of what each row predicts over that of the true ratings.

    Predictions beyond the true ratings count in the outermost bars.
    """
    low, high = (f([f(sample.truth) for sample in samples]) for f in (np.min, np.max))
    edges = np.linspace(low - 0.25, high + 0.25, _N_BINS + 1)
    canvas = Canvas(figsize=(8, 1.2 + 0.42 * len(samples)), layout="constrained")
    axes = canvas.subplots()
    for place, sample in enumerate(samples):
        style = FAMILIES[families[_key(sample)]]
        predicted = sample.prediction[~np.isnan(sample.prediction)]
        alpha = 0.75 if sample.notes["shots"] is None else 0.35
        heights = place - _profile(predicted, edges)
        axes.stairs(heights, edges, baseline=place, fill=True, color=style.colour, alpha=alpha)
        truth = place - _profile(sample.truth, edges)
        axes.stairs(truth, edges, baseline=place, color=_TRUE_STARS, linewidth=0.8)
        said = f"{predicted.std():.2f}" if len(predicted) else "scores nothing"
        axes.text(1.01, place - 0.3, said, va="center", transform=axes.get_yaxis_transform())
    axes.set_ylim(len(samples) - 0.9, -1)
    axes.set_yticks(range(len(samples)), [_name(*_key(sample)) for sample in samples], va="bottom")
    axes.set_xlabel(f"rating (standard deviation of the true ones {samples[0].truth.std():.2f})")
    return Figure(_SPREAD_CAPTION, canvas)


def _panel(
    pairs: str, rows: Sequence[DifferenceRow], families: Mapping[Key, str], hollow: bool = False
) -> Panel:
    lines = []
    for row in rows:
        value, reach = row.rmse_minus_classical, 1.96 * (row.stderr_classical or 0)
        assert value is not None  # only such rows are drawn
        key = row.recommender, row.backend
        lines.append(Line(_name(*key), families[key], value, value - reach, value + reach))
    return Panel(f"RMSE minus best classical, {pairs}", lines, hollow)


def _profile(values: Array, edges: Array) -> Array:
    """Return a histogram whose highest bar is just below 1."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return np.asarray(0.85 * counts / max(1, counts.max()))


def _key(sample: Sample) -> Key:
    return sample.notes["recommender"], sample.notes["backend"]


def _name(recommender: str, backend: str | None) -> str:
    return f"{recommender} on {backend}" if backend else recommender
