"""What figures are drawn with."""

from matplotlib.figure import Figure as Canvas

from qrec.analysis import figures
from qrec.analysis.figures import CIRCLE, Figure, Style, draw_errors


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
