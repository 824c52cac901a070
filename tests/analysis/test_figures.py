"""What figures are drawn with."""

from matplotlib.figure import Figure as Canvas

from qrec.analysis import figures
from qrec.analysis.figures import CIRCLE, Style, draw_errors, to_png


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


def test_canvas_becomes_a_png():
    assert to_png(Canvas(figsize=(1, 1))).startswith(b"\x89PNG")
