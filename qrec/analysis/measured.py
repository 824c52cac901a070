"""What shots and noise make of predictions: those of a backend against the exact ones."""

from collections.abc import Sequence

import numpy as np

from qrec.analysis.figures import SQUARE, Figure, small_multiples
from qrec.analysis.rows import align
from qrec.analysis.samples import Sample, is_drawn, name_of, row_key
from qrec.types import Array

_CAPTION = (
    "What shots and noise make of a prediction: that of a backend against that of the same model "
    "evaluated exactly, a point per pair, on the sample of the pairs that rows with shots predict. "
    "On the dotted line nothing is lost; a flatter cloud is a prediction that noise draws to "
    "one value. In the titles the slope of the least-squares line."
)


def measured_figure(samples: Sequence[Sample]) -> Figure | None:
    """Draw every row with shots against its exact row; None where there is no such pair."""
    pairs = [
        (sample, exact)
        for sample in samples
        if is_drawn(sample)
        for exact in samples
        if exact.notes["recommender"] == sample.notes["recommender"] and not is_drawn(exact)
    ]
    drawn = [(sample, *_same_pairs(sample, exact)) for sample, exact in pairs]
    drawn = [found for found in drawn if len(found[1])]
    if not drawn:
        return None
    canvas, panels = small_multiples(len(drawn))
    for axes, (sample, exact, measured) in zip(panels, drawn, strict=True):
        axes.plot(
            exact, measured, SQUARE.marker, color=SQUARE.colour, markersize=3,
            markerfacecolor="none", linestyle="none", alpha=0.8,
        )  # fmt: skip
        axes.axline((exact[0], exact[0]), slope=1, color="black", linestyle=":", linewidth=1)
        axes.set_title(f"{name_of(*row_key(sample))}\n{_slope(exact, measured)}", fontsize=8)
    canvas.supxlabel("exact prediction", fontsize=9)
    canvas.supylabel("prediction on the backend", fontsize=9)
    return Figure(_CAPTION, canvas)


def _same_pairs(sample: Sample, exact: Sample) -> tuple[Array, Array]:
    """Return exact and measured predictions of the pairs that both score."""
    of_sample, of_exact = align(sample, exact)
    both = np.stack([exact.prediction[of_exact], sample.prediction[of_sample]])
    exactly, measured = both[:, ~np.isnan(both).any(axis=0)]
    return exactly, measured


def _slope(exact: Array, measured: Array) -> str:
    spread = exact.std()
    if spread < 1e-9:
        return "exact: one value"
    return f"slope {np.mean((exact - exact.mean()) * (measured - measured.mean())) / spread**2:.2f}"
