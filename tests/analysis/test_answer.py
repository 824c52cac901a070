"""The sentences and the figures of a comparison follow the rows, whichever way these fall."""

import numpy as np
import pytest

from qrec.analysis.answer import comparison_answer
from qrec.analysis.compare import StoredRun, compare_samples
from qrec.analysis.plots import forest_figure, spread_figure
from qrec.analysis.rows import comparison_rows
from qrec.analysis.samples import Sample

N = 400
RNG = np.random.default_rng(5)
TRUTH = RNG.integers(1, 6, N).astype(float)
NOISE = RNG.normal(size=N)
NOISE = (NOISE - NOISE.mean()) / NOISE.std()


def sample(name, family, error, backend=None, shots=None, prediction=None):
    """Return predictions that are off by `error` standard deviations."""
    notes = {
        "recommender": name, "backend": backend, "shots": shots, "repeat": 0, "family": family,
        "class": name, "scored_on": "test", "noise_floor": None, "fit_seconds": 0.0,
        "predict_seconds": 0.0, "params": {}, "chosen": {}, "validation_rmse": None,
        "circuits": None,
    }  # fmt: skip
    rows = np.arange(N if shots is None else N // 4)
    predicted = TRUTH + error * NOISE if prediction is None else prediction
    return Sample(rows // 4, rows, TRUTH[rows], predicted[rows], notes)


MF = sample("mf", "classical", 0.8)
WORSE = sample("circuit", "quantum", 1.0, "exact")
SHOTS = sample("circuit", "quantum", 1.2, "noisy", shots=100)


def found(*samples):
    rows = comparison_rows(samples)
    return rows, compare_samples([StoredRun("one", {}, samples)]), samples


def answer(*samples):
    return " ".join(comparison_answer(*found(*samples)))


def test_a_worse_quantum_row_does_not_beat_the_best():
    said = answer(MF, sample("bad", "classical", 2.0), WORSE)
    assert said.startswith("No quantum row beats mf (RMSE .8000)")
    assert "nearest is circuit on exact +.2" in said
    assert "Shots" not in said


def test_a_better_quantum_row_does():
    said = answer(MF, sample("circuit", "quantum", 0.5, "exact"))
    assert said.startswith("Better than the best classical row, mf (RMSE .8000)")
    assert ": circuit on exact -.3" in said
    assert "No quantum" not in said


def test_an_equal_row_is_neither_and_is_called_equal():
    said = answer(MF, sample("circuit", "quantum", 0.8, "exact"))
    assert "No quantum row beats mf" in said
    assert "not told apart from it: circuit on exact +.000" in said
    assert "circuit equals mf." in said
    assert "equals" not in answer(MF, WORSE)


def test_noise_costs_what_the_same_pairs_say():
    rows, differences, samples = found(MF, WORSE, SHOTS)
    [cost] = [row for row in differences if row.shots]
    said = " ".join(comparison_answer(rows, differences, samples))
    assert f"Shots and noise cost +{cost.rmse_minus_exact:.3f}".replace("+0", "+") in said
    assert "No quantum row beats" in said, "a row on a sample does not take part in that"


def test_a_row_that_predicts_the_mean_is_named():
    flat = sample("flat", "quantum", 0, "exact", prediction=np.full(N, 3.0) + 0.01 * NOISE)
    assert "Little but the mean is predicted by flat (0.01)" in answer(MF, flat)
    assert "Little" not in answer(MF, WORSE)


def test_without_quantum_rows_nothing_is_claimed():
    assert answer(MF) == ""
    assert answer(WORSE) == "", "without a classical row neither"


FAMILIES = {("mf", None): "classical", ("circuit", "exact"): "quantum"} | {
    ("circuit", "noisy"): "quantum"
}


def test_rows_on_a_sample_are_hollow_and_on_an_axis_of_their_own():
    _, differences, _ = found(MF, WORSE, SHOTS)
    whole, sampled, from_exact = forest_figure(differences, FAMILIES, 10.0).canvas.axes
    for axes, name, hollow in (
        (whole, "circuit on exact", False), (sampled, "circuit on noisy", True),
        (from_exact, "circuit on noisy", True),
    ):  # fmt: skip
        assert [tick.get_text() for tick in axes.get_yticklabels()] == [name]
        [container] = axes.containers
        assert (container.lines[0].get_markerfacecolor() == "none") is hollow
    drawn = whole.containers[0].lines[0].get_xdata()
    assert drawn == pytest.approx([differences[1].rmse_minus_classical])
    [noisy] = [row for row in differences if row.shots]
    drawn = from_exact.containers[0].lines[0].get_xdata()
    assert drawn == pytest.approx([noisy.rmse_minus_exact])


def test_a_row_far_off_is_written_at_the_edge():
    _, differences, _ = found(MF, WORSE)
    [axes] = forest_figure(differences, FAMILIES, 0.1).canvas.axes
    assert not axes.containers
    assert [text.get_text()[:3] for text in axes.texts] == ["+0."]


def test_every_row_has_its_predictions_over_the_true_ratings():
    whole, sampled = spread_figure([MF, WORSE, SHOTS], FAMILIES).canvas.axes
    for axes, names, shown in (
        (whole, ["mf", "circuit on exact"], (MF, WORSE)), (sampled, ["circuit on noisy"], (SHOTS,)),
    ):  # fmt: skip
        assert len(axes.patches) == 2 * len(names)
        assert [tick.get_text() for tick in axes.get_yticklabels()] == names
        assert [text.get_text() for text in axes.texts] == [
            f"{each.prediction.std():.2f}" for each in shown
        ]
    nothing = sample("mf", "classical", 0, prediction=np.full(N, np.nan))
    [axes] = spread_figure([nothing], FAMILIES).canvas.axes
    assert [text.get_text() for text in axes.texts] == ["scores nothing"]
