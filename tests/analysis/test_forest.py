"""Forest plots."""

from qrec.analysis.forest import Line, Panel, draw_forest


def test_legend_names_every_family_that_is_drawn_on_any_axis():
    panels = [
        Panel("a", [Line("als", "classical", 0.01, 0.0, 0.02)]),
        Panel("b", [Line("swap", "quantum", 0.01, 0.0, 0.02)], hollow=True),
    ]
    canvas = draw_forest(panels, 1.0, "{:+.2f}")
    [legend] = canvas.legends
    assert [text.get_text() for text in legend.get_texts()] == ["classical", "quantum"]


def test_rounding_errors_do_not_fill_an_axis():
    rounding = [Line("swap - als", "quantum", 2e-16, -3e-16, 4e-16)]
    canvas = draw_forest([Panel("a", rounding)], 1.0, "{:+.2f}")
    assert canvas.axes[0].get_xlim() == (-1e-3, 1e-3)
    known = [*rounding, Line("bias", "classical", 0.1, 0.05, 0.15)]
    canvas = draw_forest([Panel("a", known)], 1.0, "{:+.2f}")
    assert canvas.axes[0].get_xlim()[1] > 0.1
