"""Figures: what all pictures are drawn on and with, readable without colours, and their files."""

import io
from dataclasses import dataclass
from functools import cached_property
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

    @cached_property
    def png(self) -> bytes:
        """The picture as PNG."""
        return to_png(self.canvas)

    @cached_property
    def svg(self) -> bytes:
        """The picture as SVG, its ground white: `in_page` gives it a page's colours."""
        return to_svg(self.canvas)


@dataclass(frozen=True)
class Style:
    """How one group of points looks: its marker says the same as its colour."""

    marker: str
    colour: str


_PANELS_IN_LINE = 4
# What matplotlib would say of itself and of the day: the same picture is the same file.
_SAID_IN_SVG = ("Creator", "Date", "Format", "Type")

_OF_PAGE = {"#000000": "currentColor", "#ffffff": "var(--paper)", "#0072b2": "var(--blue)"}

# Okabe and Ito's palette (jfly.uni-koeln.de/color), which eyes of all kinds tell apart.
CIRCLE = Style("o", "#0072B2")  # blue
SQUARE = Style("s", "#D55E00")  # vermilion
TRIANGLE = Style("^", "#009E73")  # bluish green
CROSS = Style("x", "black")
PALE_SQUARE = Style("s", "#56B4E9")  # sky blue
DIAMOND = Style("D", "#D55E00")
WEDGE = Style("v", "#E69F00")  # orange


def new_canvas(width: float, height: float) -> "Canvas":
    """Return an empty canvas of this size in inches, on which all pictures are drawn."""
    from matplotlib.figure import Figure as MatplotlibFigure

    return MatplotlibFigure(figsize=(width, height), layout="constrained")


def small_multiples(
    n_panels: int, height: float = 1.9, *, share: bool = False
) -> tuple["Canvas", list["Axes"]]:
    """Return a canvas with this many small panels, four in a line, and their axes.

    They `share` the scales of both axes or have their own.
    """
    n_columns = min(_PANELS_IN_LINE, n_panels)
    n_lines = -(-n_panels // n_columns)
    canvas = new_canvas(8.6, height * n_lines + 0.4)
    grid = canvas.subplots(n_lines, n_columns, squeeze=False, sharex=share, sharey=share).ravel()
    for axes in grid[n_panels:]:
        axes.axis("off")
    for axes in grid[:n_panels]:
        axes.tick_params(labelsize=7, labelbottom=True)
        axes.grid(alpha=0.3)
    return canvas, list(grid[:n_panels])


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


def in_page(svg: str) -> str:
    """Return a picture in the colours of the page that it stands in, light or dark.

    What is black takes the colour of the page's text, what is white that of its ground, and
    blue, dark on a dark ground, the page's own.
    """
    for colour, of_page in _OF_PAGE.items():
        svg = svg.replace(colour, of_page)
    return svg


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
