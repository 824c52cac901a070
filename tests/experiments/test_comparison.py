"""What a comparison fits, scores, and stores."""

import json

import numpy as np
import pytest
from qiskit import qpy
from sklearn.model_selection import ParameterGrid

from qrec.backends.readings import read
from qrec.data import Split
from qrec.errors import DataError, QrecError
from qrec.experiments.comparison.fitting import FitRow
from qrec.experiments.observed import check_disjoint
from qrec.recommenders import load_recommender, recommender_class
from qrec.recommenders.base import Recommender
from qrec.runner.asking import Stored
from qrec.runner.drive import Work
from qrec.runner.load import load, restore
from qrec.runner.run import resume, run
from qrec.runs.answers import Answers
from qrec.runs.outcomes import Outcomes

pytestmark = pytest.mark.usefixtures("runs_dir")


def models(run):
    return Outcomes(run.folder.path, [FitRow])


def predictions(run, step):
    """Return pairs `(n, 2)`, truth and predictions of a finished step."""
    work = Work(restore(run.folder), run.folder, Stored())
    found = work.outcomes.read(step).arrays
    return np.column_stack([found["user"], found["item"]]), found["truth"], found["prediction"]


TASKS = ["mean.classical.r0", "als.classical.r0", "swap.exact.r0", "swap.aer_ideal.r0"]


def test_one_row_per_recommender_and_backend(small_run):
    assert [(row["recommender"], row["backend"], row["shots"]) for row in small_run.rows] == [
        ("mean", None, None),
        ("als", None, None),
        ("swap", "exact", None),
        ("swap", "aer_ideal", 1024),
    ]
    assert [row["n_predictions"] for row in small_run.rows] == [300, 300, 300, 40]


def test_overlap_at_infinite_shots_is_the_dot_product(small_run):
    _, als, swap, _ = small_run.rows
    assert swap["rmse"] == pytest.approx(als["rmse"], abs=1e-9)


def test_parameters_are_chosen_by_validation_rmse_alone(small_run, small_experiment):
    experiment = load(small_experiment)
    parts = experiment._split(0)
    model = load_recommender(models(small_run).model_path("als.r0.fit"))
    errors = {}
    for candidate in ParameterGrid({"reg": [0.1, 0.3]}):
        params = {"n_factors": 2, "random_state": model.random_state} | candidate
        fitted = recommender_class("als")(**params).fit(parts.train)
        errors[candidate["reg"]] = -fitted.score(parts.validation)
    row = small_run.rows[1]
    assert row["params"] == {"n_factors": 2, "reg": min(errors, key=errors.__getitem__)}
    assert row["validation_rmse"] == pytest.approx(min(errors.values()))


def test_no_test_rating_reaches_fit(small_experiment, monkeypatch):
    """What is fitted, early stopping included, does not change when the test ratings do."""
    experiment = load(small_experiment)
    parts = experiment._split(0)
    test = {tuple(pair) for pair in parts.test.pairs}
    seen = []
    fit = Recommender.fit

    def watched(self, ratings, y=None, *, validation=None):
        for part in filter(None, (ratings, validation)):
            seen.append(test & {tuple(pair) for pair in part.pairs})
        return fit(self, ratings, y, validation=validation)

    monkeypatch.setattr(Recommender, "fit", watched)
    run(small_experiment)
    assert len(seen) >= 8
    assert not set().union(*seen)


def test_every_prediction_is_of_an_observed_test_pair(small_run, small_experiment):
    parts = load(small_experiment)._split(0)
    observed = {
        (u, i): v for (u, i), v in zip(map(tuple, parts.test.pairs), parts.test.value, strict=True)
    }
    for task in TASKS:
        pairs, truth, _ = predictions(small_run, task)
        assert [observed[tuple(pair)] for pair in pairs] == truth.tolist()


def test_parts_that_share_a_pair_are_refused(small_experiment):
    ratings = load(small_experiment).ratings
    rows = np.concatenate([np.arange(100), [5]])
    twice = ratings[rows]
    parts = Split(twice, np.arange(60), np.arange(60, 80), np.arange(80, 101))
    with pytest.raises(DataError, match="1 pairs stand in both train and test"):
        check_disjoint(parts)


def test_stored_answers_give_the_predictions_again_without_a_backend(small_run):
    model = load_recommender(models(small_run).model_path("swap.r0.fit"))
    pairs, _, prediction = predictions(small_run, "swap.aer_ideal.r0")
    workloads = model.workloads(pairs)
    raws = Answers(small_run.folder.path, "swap.aer_ideal.r0").read(0)
    readings = [read(*both) for both in zip(workloads, raws, strict=True)]
    assert np.array_equal(model.combine(pairs, readings), prediction, equal_nan=True)


def test_run_folder_holds_what_the_design_says(small_run):
    path = small_run.folder.path
    names = {p.name for p in path.iterdir()}
    assert names >= {
        "spec.yaml", "record.json", "circuits", "raw", "outcomes", "models", "figures",
        "rows.csv", "gates.csv", "report.html",
    }  # fmt: skip
    record = json.loads((path / "record.json").read_text())
    assert set(record["details"]["backends"]) == {"exact", "aer_ideal"}
    assert record["details"]["backends"]["aer_ideal"]["spec"]["shots"] == 1024
    assert len(record["details"]["dataset"]["sha256"]) == 64
    [stored] = (path / "circuits" / "swap.aer_ideal.r0").glob("*.qpy")
    with stored.open("rb") as file:
        logical, isa = qpy.load(file)
    assert isa.count_ops()["measure"] == 1
    assert "measure" not in logical.count_ops()
    assert load(path / "spec.yaml").spec.name == "small", "a spec can be run again"


def test_repeats_have_their_own_splits_and_do_not_disturb_each_other(small_run, small_experiment):
    rows = run(small_experiment, overrides={"repeats": 2}).rows
    first, second = ([row for row in rows if row["repeat"] == r] for r in (0, 1))
    assert [row["rmse"] for row in first] == [row["rmse"] for row in small_run.rows]
    assert all(a["rmse"] != b["rmse"] for a, b in zip(first, second, strict=True))


def test_adding_a_recommender_leaves_the_others_as_they_were(small_run, small_experiment):
    small_experiment["recommenders"].insert(0, {"label": "nmf", "recommender": "nmf"})
    rows = run(small_experiment).rows[1:]
    for key in ("rmse", "mae", "coverage", "prediction_min"):
        assert [row[key] for row in rows] == [row[key] for row in small_run.rows]


def test_grid_needs_a_validation_part(small_experiment):
    done = run(small_experiment, overrides={"split.ratios": [0.7, 0.0, 0.3]})
    with pytest.raises(QrecError, match="als: a grid is chosen on the validation part"):
        done.check_whole()


@pytest.mark.parametrize("scored_on", ["train", "all"])
def test_row_scored_on_what_it_was_fitted_on_is_flagged(small_experiment, scored_on):
    small_experiment["recommenders"][1]["scored_on"] = scored_on
    done = run(small_experiment)
    assert "not held out" in done.rows[1]["flags"]
    assert [row["recommender"] for row in done.rows if row["best_classical"]] == ["mean"]
    assert "als T" in done.table()
    assert "no held-out figure" in done.table()


def test_resumed_run_refuses_other_ratings(small_experiment):
    experiment = load(small_experiment)
    details = experiment.details()
    other = load(small_experiment, {"dataset.seed": 1})
    with pytest.raises(DataError, match="sha256"):
        other.check_same(details)


def test_referring_entry_gets_the_chosen_parameters(small_run):
    swap = load_recommender(models(small_run).model_path("swap.r0.fit"))
    assert swap.base.get_params()["reg"] == small_run.rows[1]["params"]["reg"]


def test_fitted_models_are_loaded_and_not_fitted_again(small_experiment, monkeypatch):
    done = run(small_experiment)
    for task in TASKS:
        (done.folder.path / "outcomes" / f"{task}.npz").unlink()
    done.folder.rows_path.unlink()
    monkeypatch.setattr(Recommender, "fit", None)
    again = resume(done.id)
    assert [row["rmse"] for row in again.rows] == [row["rmse"] for row in done.rows]
