"""Are predictions right on average? Mean true ratings of pairs that are predicted alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qrec.analysis.compare import Key
from qrec.analysis.figures import Figure, draw_errors, small_multiples
from qrec.analysis.forest import FAMILIES
from qrec.analysis.samples import Sample, is_drawn, name_of, row_key
from qrec.metrics import mean_over_pairs

_MOST_BINS = 10
_PAIRS_PER_BIN = 20  # fewer say little about a mean
_MOST_PANELS = 28
_CAPTION = (
    "Calibration: mean true rating against mean prediction of pairs that a row predicts alike, in "
    "bins of equally many pairs, with 95 % intervals (clustered by user). On the dotted line a "
    "row is right on average; a steeper course than the line's is a row that dares too little, a "
    "flatter one dares too much; a single point is a row that predicts the same for all pairs. "
    "Circles: classical; squares: quantum; triangles: hybrid. Hollow: rows with shots, on a "
    "sample of the pairs."
)


@dataclass(frozen=True)
class Bin:
    """Pairs that are predicted alike: mean prediction and mean true rating with its error."""

    predicted: float
    true: float
    stderr: float  # nan for one user


def calibration_bins(sample: Sample) -> list[Bin]:
    """Return the scored pairs in bins of about equally many, from low to high predictions.

    Pairs with the same prediction stay together.
    """
    scored = ~np.isnan(sample.prediction)
    predicted, true = sample.prediction[scored], sample.truth[scored]
    n_bins = min(_MOST_BINS, max(1, len(predicted) // _PAIRS_PER_BIN))
    if len(predicted) == 0:
        return []
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, n_bins + 1)[1:-1]))
    place = np.searchsorted(edges, predicted, side="right")
    found = []
    for each in np.unique(place):
        here = place == each
        score = mean_over_pairs(true[here], sample.user[scored][here])
        found.append(Bin(float(predicted[here].mean()), score.value, score.stderr))
    return found


def calibration_figure(samples: Sequence[Sample], families: Mapping[Key, str]) -> Figure | None:
    """Draw the bins of every row that scores some pair, a panel each, on the same scales.

    Beyond a number of panels the classical rows that come last are left out. None where no row
    scores any.
    """
    binned = [(sample, bins) for sample in samples if (bins := calibration_bins(sample))]
    if not binned:
        return None
    chosen = sorted(binned, key=lambda pair: families[row_key(pair[0])] == "classical")
    chosen = sorted(chosen[:_MOST_PANELS], key=binned.index)
    canvas, panels = small_multiples(len(chosen), share=True)
    for axes, (sample, bins) in zip(panels, chosen, strict=True):
        style = FAMILIES[families[row_key(sample)]]
        errors = [0.0 if np.isnan(each.stderr) else 1.96 * each.stderr for each in bins]
        draw_errors(
            axes, style, [b.predicted for b in bins], [b.true for b in bins], yerr=errors,
            markersize=4, linewidth=1, markerfacecolor="none" if is_drawn(sample) else style.colour,
        )  # fmt: skip
        axes.axline((0, 0), slope=1, color="black", linestyle=":", linewidth=1)
        axes.set_title(name_of(*row_key(sample)), fontsize=8)
    truth = np.concatenate([[b.true, b.predicted] for _, bins in chosen for b in bins])
    panels[0].set_xlim(truth.min() - 0.25, truth.max() + 0.25)
    panels[0].set_ylim(truth.min() - 0.25, truth.max() + 0.25)
    canvas.supxlabel("mean prediction", fontsize=9)
    canvas.supylabel("mean true rating", fontsize=9)
    left_out = len(binned) - len(chosen)
    said = f" {left_out} classical rows are left out." if left_out else ""
    return Figure(_CAPTION + said, canvas)
