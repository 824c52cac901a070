"""The figure of a fair comparison: every difference with its interval, a forest plot."""

from collections.abc import Mapping, Sequence

from qrec.analysis.figures import Figure
from qrec.analysis.forest import Line, Panel, draw_forest
from qrec.experiments.fair.rows import BEST, CONTROL, DifferenceRow, FairRow
from qrec.types import Row, of_type

_REACH = 0.03  # what is further from the best row is written at the edge


def forest_figure(protocol: str, rows: Sequence[Row]) -> Figure:
    """Draw how the rows of a protocol differ from the best classical row and from controls."""
    fair = [row for row in of_type(FairRow, rows) if row.protocol == protocol]
    families = {row.recommender: row.family for row in fair}
    seed = None if any(row.seed is None for row in fair) else 0
    apart = [r for r in of_type(DifferenceRow, rows) if r.protocol == protocol and r.seed == seed]
    from_best = [row for row in apart if row.role == BEST]
    from_controls = [row for row in apart if row.role == CONTROL]
    panels = [
        Panel(
            "RMSE minus best classical",
            [_line(row, row.recommender, families) for row in from_best],
        ),
        Panel(
            "RMSE minus control",
            [_line(row, f"{row.recommender} - {row.against}", families) for row in from_controls],
        ),
    ]
    caption = _caption(protocol, from_best + from_controls)
    return Figure(caption, draw_forest(panels, _REACH, "{:+.3f}"))


def _line(row: DifferenceRow, name: str, families: Mapping[str, str]) -> Line:
    return Line(name, families[row.recommender], row.difference, row.low, row.high)


def _caption(protocol: str, rows: Sequence[DifferenceRow]) -> str:
    """Say what is drawn, and how many intervals lie where."""
    counts = [sum(row.verdict == word for row in rows) for word in ("better", "worse")]
    return (
        f"Differences of RMSE under protocol {protocol} with 95 % intervals, from the best "
        "classical row above and from controls below; left of zero is better. Circles: classical; "
        f"squares: quantum; triangles: hybrid. Of {len(rows)} intervals {counts[0]} lie left "
        f"of zero and {counts[1]} right of it; the others hold it."
    )
