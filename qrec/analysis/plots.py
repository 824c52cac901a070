"""The figure of a comparison."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas

from qrec.analysis.figures import CIRCLE, SQUARE, TRIANGLE, Figure, draw_errors, to_png
from qrec.analysis.rows import ComparisonRow

_WIDEST = 1.6  # times the lowest RMSE: what is drawn at its place
_CAPTION = (
    "RMSE of every row, bars of one standard error. Circles: classical; squares: quantum; "
    "triangles: a classical corrector of a quantum prediction."
)
_STYLES = {"classical": CIRCLE, "quantum": SQUARE, "hybrid": TRIANGLE}


def error_figure(rows: Sequence[ComparisonRow]) -> Figure:
    """Draw the RMSE of every row with its standard error, and the noise floor.

    A row far off would leave no room for the others: it is written at the edge.
    """
    drawn = [(row, rmse) for row in rows if (rmse := row.metrics["rmse"]) is not None]
    names = list(dict.fromkeys(_name(row) for row, _ in drawn))
    canvas = Canvas(figsize=(8, 1.2 + 0.28 * len(names)), layout="constrained")
    axes = canvas.subplots()
    edge = _WIDEST * min((rmse for _, rmse in drawn), default=1.0)
    for family, style in _STYLES.items():
        members = [(row, rmse) for row, rmse in drawn if row.family == family and rmse <= edge]
        if members:
            draw_errors(
                axes,
                style,
                [rmse for _, rmse in members],
                [names.index(_name(row)) for row, _ in members],
                xerr=[row.metrics["rmse_stderr"] for row, _ in members],
                markersize=6,
                capsize=3,
                linestyle="none",
                label=family,
            )
    for row, rmse in drawn:
        if rmse > edge:
            text = f"{rmse:.2f} \N{RIGHTWARDS ARROW}"
            at, in_axes = names.index(_name(row)), axes.get_yaxis_transform()
            axes.text(0.99, at, text, ha="right", va="center", transform=in_axes)
    floors = [r.noise_floor for r in rows if r.shots is None and r.scored_on == "test"]
    if floors and floors[0] is not None:
        axes.axvline(floors[0], color="black", linestyle=":", label="noise floor")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("RMSE (rating units)")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False)
    return Figure(_CAPTION, to_png(canvas))


def _name(row: ComparisonRow) -> str:
    where = f" on {row.backend}" if row.backend else ""
    return f"{row.recommender}{where}"
