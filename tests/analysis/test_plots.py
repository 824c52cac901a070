"""The pictures of a comparison: what they are drawn from, and which rows stand on one axis."""

import numpy as np
import pytest

from qrec.analysis.calibration import calibration_bins, calibration_figure
from qrec.analysis.learning import learning_figure
from qrec.analysis.measured import measured_figure
from qrec.analysis.samples import Sample
from qrec.experiments.comparison.fitting import histories, history_of
from qrec.runs.outcomes import Outcome

RNG = np.random.default_rng(0)
USER = np.repeat(np.arange(40, dtype=np.int32), 10)
ITEM = np.tile(np.arange(10, dtype=np.int32), 40)
TRUTH = RNG.uniform(1, 5, 400)


def sample(prediction, backend=None, shots=None, pairs=slice(None)):
    notes = {"recommender": "r", "backend": backend, "shots": shots, "repeat": 0}
    return Sample(USER[pairs], ITEM[pairs], TRUTH[pairs], prediction[pairs], notes)


def test_bins_of_a_right_prediction_lie_on_the_diagonal_and_hold_all_scored_pairs():
    prediction = TRUTH.copy()
    prediction[:40] = np.nan
    bins = calibration_bins(sample(prediction))
    assert len(bins) == 10
    assert [b.true for b in bins] == pytest.approx([b.predicted for b in bins])
    assert np.mean([b.predicted for b in bins]) == pytest.approx(TRUTH[40:].mean())
    assert all(0 < b.stderr < 0.2 for b in bins)


def test_a_row_that_predicts_one_value_has_one_bin_and_one_without_scores_none():
    [only] = calibration_bins(sample(np.full(400, 3.0)))
    assert only.predicted == 3.0
    assert only.true == pytest.approx(TRUTH.mean())
    assert calibration_bins(sample(np.full(400, np.nan))) == []
    assert calibration_figure([sample(np.full(400, np.nan))], {("r", None): "quantum"}) is None


def test_a_small_sample_has_few_bins_and_is_drawn_hollow():
    drawn = sample(TRUTH, "aer", 100, slice(0, 60))
    assert len(calibration_bins(drawn)) == 3
    families = {("r", "aer"): "quantum", ("r", "exact"): "quantum"}
    figure = calibration_figure([sample(TRUTH, "exact"), drawn], families)
    full, hollow = (axes.lines[0].get_markerfacecolor() for axes in figure.canvas.axes)
    assert (full == "none", hollow == "none") == (False, True)


def test_classical_rows_are_left_out_where_there_are_too_many_and_that_is_said():
    rows = [sample(TRUTH, str(number)) for number in range(30)]
    families = {("r", str(n)): "quantum" if n == 29 else "classical" for n in range(30)}
    figure = calibration_figure(rows, families)
    titles = [axes.get_title() for axes in figure.canvas.axes]
    assert "r on 29" in titles
    assert "r on 28" not in titles
    assert "2 classical rows are left out" in figure.caption


def test_what_noise_makes_of_predictions_is_told_by_a_slope():
    shrunk = 3 + 0.5 * (TRUTH - 3)
    drawn = sample(shrunk, "aer", 100, slice(0, 60))
    figure = measured_figure([sample(TRUTH, "exact"), drawn])
    [title] = [axes.get_title() for axes in figure.canvas.axes]
    assert title == "r on aer\nslope 0.50"
    assert measured_figure([drawn]) is None, "there is no exact row"
    assert measured_figure([sample(TRUTH, "exact")]) is None


def test_a_history_is_kept_where_it_is_one_value_per_epoch():
    class Model:
        history_ = np.array([3.0, 1.0, 2.0])

    arrays = history_of(Model())
    assert history_of(object()) == {}
    for other in ([1.0, 2.0], np.ones((2, 2)), np.array([1.0])):
        Model.history_ = other
        assert history_of(Model()) == {}
    outcomes = {"a.fit": Outcome(arrays=arrays), "b.fit": Outcome()}
    found = histories({"a": "a.fit", "b": "b.fit"}, outcomes)
    assert list(found) == ["a"]
    [axes] = learning_figure(found).canvas.axes
    assert axes.get_title() == "a: 1 at 1"
    assert learning_figure({}) is None


def test_rows_on_a_sample_stand_on_no_axis_with_rows_on_all_pairs(small_run):
    for name in ("differences", "predictions"):
        grouped = [
            {label.get_text() for label in axes.get_yticklabels()}
            for axes in small_run.figures[name].canvas.axes
        ]
        drawn = {"swap on aer_ideal"}
        assert drawn in grouped, name
        assert all(group == drawn or not group & drawn for group in grouped), name
