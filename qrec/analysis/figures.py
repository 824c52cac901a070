"""Figures: pictures as SVG and PNG, and the marks they are drawn with, readable without colours."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture with what it shows in words, which is also its alternative text."""

    caption: str
    canvas: "Canvas"

    @property
    def png(self) -> bytes:
        """The picture as PNG."""
        return to_png(self.canvas)

    @property
    def svg(self) -> bytes:
        """The picture as SVG."""
        return to_svg(self.canvas)


@dataclass(frozen=True)
class Style:
    """How one group of points looks: its marker says the same as its colour."""

    marker: str
    colour: str


# What matplotlib would say of itself and of the day: the same picture is the same file.
_SAID_IN_SVG = ("Creator", "Date", "Format", "Type")

# Okabe and Ito's palette (jfly.uni-koeln.de/color), which eyes of all kinds tell apart.
CIRCLE = Style("o", "#0072B2")  # blue
SQUARE = Style("s", "#D55E00")  # vermilion
TRIANGLE = Style("^", "#009E73")  # bluish green
CROSS = Style("x", "black")
PALE_SQUARE = Style("s", "#56B4E9")  # sky blue
DIAMOND = Style("D", "#D55E00")
WEDGE = Style("v", "#E69F00")  # orange


def draw_errors(
    axes: "Axes",
    style: Style,
    x: "ArrayLike",
    y: "ArrayLike",
    **drawn: Any,
) -> None:
    """Draw points with error bars; `drawn` are further arguments of matplotlib's ``errorbar``.

    ``xerr`` and ``yerr`` may hold None where an error is not known: no bar is drawn there.
    """
    for name in ("xerr", "yerr"):
        if name in drawn:
            drawn[name] = [0.0 if error is None else error for error in drawn[name]]
    axes.errorbar(x, y, marker=style.marker, color=style.colour, **{"capsize": 2} | drawn)


def to_png(canvas: "Canvas") -> bytes:
    """Return a canvas as PNG."""
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def to_svg(canvas: "Canvas") -> bytes:
    """Return a canvas as SVG, its letters as letters."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "qrec"}):
        canvas.savefig(buffer, format="svg", metadata=dict.fromkeys(_SAID_IN_SVG))
    return buffer.getvalue()
