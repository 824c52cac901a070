"""Comparing rows within and between runs."""

import re
from dataclasses import replace

import pytest

from qrec.analysis.compare import DifferenceRow, StoredRun, compare_samples, compare_table
from qrec.analysis.table import to_text
from qrec.cli.compare import compare
from qrec.errors import ConfigError, NotFinishedError
from qrec.experiments.base import Compared
from qrec.runner.asking import Stored
from qrec.runner.compare import _ratings
from qrec.runner.drive import Work
from qrec.runner.load import load, restore
from qrec.runner.run import begin, run

pytestmark = pytest.mark.usefixtures("runs_dir")


def stored(run):
    experiment = restore(run.folder)
    samples = experiment.samples(Work(experiment, run.folder, Stored()).every_outcome())
    return StoredRun(run.id, run.folder.record().details["dataset"], samples)


def rows_of(*runs):
    return [row.as_dict() for row in compare_samples([stored(run) for run in runs])]


def test_rows_are_compared_with_exact_and_best_classical(small_run):
    rows = {(r["recommender"], r["backend"]): r for r in rows_of(small_run)}
    sampled = rows["swap", "aer_ideal"]
    assert sampled["n_pairs_exact"] == 40
    assert sampled["low_exact"] < sampled["rmse_minus_exact"] < sampled["high_exact"]
    assert sampled["rmse_minus_exact"] == pytest.approx(small_run.rows[3]["rmse_minus_exact"])
    assert rows["swap", "exact"]["rmse_minus_classical"] == pytest.approx(0, abs=1e-9)
    assert rows["swap", "exact"]["rmse_minus_exact"] is None, "not against itself"
    assert rows["als", None]["rmse_minus_classical"] is None


def test_noisy_run_is_compared_with_the_exact_row_of_another(small_run, small_experiment):
    other = run(small_experiment, backends=["aer_ideal"], overrides={"n_pairs": 30})
    rows = rows_of(small_run, other)
    assert [row["run"] for row in rows] == [small_run.id] * 4 + [other.id] * 3
    assert 25 <= rows[-1]["n_pairs_exact"] <= 30, "those of the 30 that can be scored"
    text = to_text(compare_table([DifferenceRow.from_dict(row) for row in rows]))
    assert small_run.id in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_row_is_compared_with_the_same_row_of_the_first_run(small_run, small_experiment):
    small_experiment["recommenders"][1]["grid"] = {"reg": [3.0]}
    rows = rows_of(small_run, run(small_experiment))
    [own] = [r for r in rows if r["recommender"] == "als" and r["run"] == small_run.id]
    [changed] = [r for r in rows if r["recommender"] == "als" and r["run"] != small_run.id]
    assert own["rmse_minus_first"] is None
    assert changed["rmse_minus_first"] == changed["rmse_minus_classical"], "als was the best"
    assert changed["low_first"] < changed["rmse_minus_first"] < changed["high_first"]
    same = [r["rmse_minus_first"] for r in rows if r["recommender"] == "mean"]
    assert same == [None, 0.0]


def test_what_differs_in_the_experiments_is_said(small_run, small_experiment, capsys):
    other = run(small_experiment, overrides={"n_pairs": 30})
    capsys.readouterr()
    compare([str(small_run.folder.path), other.id])
    out = capsys.readouterr().out
    assert re.search(r"n_pairs +40 +30", out)
    assert "Nothing." not in out
    compare([str(small_run.folder.path), str(small_run.folder.path)])
    assert "Nothing." in capsys.readouterr().out


def test_other_ratings_under_the_same_spec_are_said():
    [one] = _ratings([{"": held("aaa")}, {"": held("bbb")}])
    assert one.values == ["aaa", "bbb"]
    assert _ratings([{"": held("aaa")}, {"": held("aaa")}]) == []


def held(sha256):
    return Compared("", [], [], {"dataset": {"sha256": sha256}})


def test_runs_on_other_ratings_are_refused(small_run, small_experiment):
    other = run(small_experiment, overrides={"dataset.seed": 9})
    with pytest.raises(ConfigError, match="only runs on the same ratings"):
        rows_of(small_run, other)


def test_unfinished_run_says_how_to_finish_it(small_experiment):
    folder = begin(load(small_experiment))
    with pytest.raises(NotFinishedError, match=f"--resume {folder.id}"):
        compare([folder.id])


def test_no_pair_is_drawn_twice(small_run):
    for sample in stored(small_run).samples:
        pairs = set(zip(sample.user.tolist(), sample.item.tolist(), strict=True))
        assert len(pairs) == len(sample.user)


def test_a_row_is_compared_with_the_exact_row_of_its_own_run(small_run):
    first = stored(small_run)
    moved = [
        replace(s, prediction=s.prediction + (0.5 if s.notes["backend"] == "exact" else 0.0))
        for s in first.samples
    ]
    other = StoredRun("other", first.dataset, moved)
    alone = [row.as_dict() for row in compare_samples([other])]
    behind = [row.as_dict() for row in compare_samples([first, other]) if row.run == "other"]
    own = [row["rmse_minus_exact"] for row in alone if row["backend"] == "aer_ideal"]
    assert own == [r["rmse_minus_exact"] for r in behind if r["backend"] == "aer_ideal"]
    [of_first] = [
        row.rmse_minus_exact for row in compare_samples([first]) if row.backend == "aer_ideal"
    ]
    assert own != [of_first]
