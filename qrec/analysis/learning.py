"""Learning curves: what a training recorded of itself, epoch by epoch."""

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import MaxNLocator

from qrec.analysis.figures import CIRCLE, Figure, small_multiples
from qrec.types import Array

_CAPTION = (
    "Learning curves, an axis each: what every training that recorded it reached on its "
    "validation ratings, at the start and after each epoch (or tree, or sweep): RMSE, or the loss "
    "that it was told to lower. The dot is the lowest value. A curve that still falls at its end "
    "wants more epochs; one that rises from its dot on is overfitting."
)


def learning_figure(histories: Mapping[str, Array]) -> Figure | None:
    """Draw histories `(n_epochs + 1,)` by name, a panel each; None where there are none."""
    if not histories:
        return None
    canvas, panels = small_multiples(len(histories))
    for axes, (name, history) in zip(panels, histories.items(), strict=True):
        lowest = int(np.nanargmin(history))
        axes.plot(history, color=CIRCLE.colour, linewidth=1.2)
        axes.plot(lowest, history[lowest], CIRCLE.marker, color=CIRCLE.colour, markersize=5)
        axes.set_title(f"{name}: {history[lowest]:.4g} at {lowest}", fontsize=8)
        axes.margins(y=0.15)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    canvas.supxlabel("epoch", fontsize=9)
    return Figure(_CAPTION, canvas)
