"""What figures are drawn with."""

import re
from pathlib import Path

from matplotlib.figure import Figure as Canvas

from qrec.analysis import figures
from qrec.analysis.figures import (
    CIRCLE,
    SQUARE,
    Figure,
    Style,
    draw_errors,
    in_page,
    new_canvas,
)


def test_no_two_styles_look_alike():
    styles = [value for value in vars(figures).values() if isinstance(value, Style)]
    assert len(styles) == len({(style.marker, style.colour) for style in styles}) == 7


def test_points_have_bars_where_the_error_is_known():
    axes = Canvas().subplots()
    draw_errors(axes, CIRCLE, [1.0, 2.0], [3.0, 4.0], yerr=[0.5, None], label="found")
    [container] = axes.containers
    line, _, [bars] = container.lines
    lengths = [top - bottom for (_, bottom), (_, top) in bars.get_segments()]
    assert lengths == [1.0, 0.0]
    assert (line.get_marker(), line.get_color()) == (CIRCLE.marker, CIRCLE.colour)


def test_same_picture_is_the_same_file():
    one, other = (Figure("a line", Canvas(figsize=(1, 1))) for _ in range(2))
    assert one.png.startswith(b"\x89PNG")
    assert one.svg == other.svg
    assert b"<text" not in one.svg
    assert b"metadata" not in one.svg, "no day, no version"


def test_in_a_page_black_white_and_blue_are_the_pages_own():
    canvas = new_canvas(2, 2)
    axes = canvas.subplots()
    axes.plot([0, 1], [0, 1], color="black")
    axes.plot([0, 1], [1, 0], color=CIRCLE.colour)
    axes.plot([0, 1], [1, 1], color=SQUARE.colour)
    text = in_page(Figure("lines", canvas).svg.decode())
    for gone in ("#000000", "#ffffff", CIRCLE.colour.lower()):
        assert gone not in text
    for found in ("currentColor", "var(--paper)", "var(--blue)", SQUARE.colour.lower()):
        assert found in text


def test_every_picture_is_drawn_on_a_canvas_of_one_module():
    root = Path(figures.__file__).parent.parent
    makers = [
        path.name
        for path in root.rglob("*.py")
        if re.search(r"(Canvas|Figure)\(figsize|pyplot", path.read_text())
    ]
    assert makers == ["figures.py"]
