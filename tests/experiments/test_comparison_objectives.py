"""The variational SVD's objectives beside recommenders: what is measured, and against what."""

import numpy as np
import pytest

from qrec.errors import ConfigError
from qrec.experiments import load_experiment, run
from qrec.experiments._detached import replay
from qrec.experiments._run import make_places
from qrec.runs.progress import silent

FORMS = [
    ("original", "published"),
    ("original", "direct"),
    ("modified", "published"),
    ("modified", "bell"),
    ("modified", "direct"),
    ("subspace", "direct"),
]


@pytest.fixture
def experiment(small_experiment):
    objectives = [
        {"label": f"{kind}-{form}", "objective": kind, "form": form} for kind, form in FORMS
    ]
    return small_experiment | {
        "recommenders": small_experiment["recommenders"][:1],
        "objectives": objectives,
    }


@pytest.mark.usefixtures("runs_dir")
def test_exact_backend_measures_the_objective_at_its_bound(experiment):
    done = run(experiment)
    rows = done.results.others["objectives"]
    assert [(row["objective"], row["form"]) for row in rows] == FORMS
    for row in rows:
        with np.load(done.folder.model_path(f"{row['label']}.npz")) as stored:
            singular = np.linalg.svd(stored["matrix"], compute_uv=False)
        bound = [2, 1] @ singular if row["objective"] == "original" else singular @ singular
        assert row["value"] == pytest.approx(row["exact"], abs=1e-9)
        assert row["value"] == pytest.approx(bound, rel=1e-4)
        assert (row["stderr"], row["shots"]) == (0.0, None)
    assert "original-direct" in done.table()


@pytest.mark.usefixtures("runs_dir")
def test_shots_scatter_as_the_standard_error_says(experiment):
    done = run(experiment, backends=["aer_ideal"])
    rows = done.results.others["objectives"]
    deviations = [(row["value"] - row["exact"]) / row["stderr"] for row in rows]
    assert all(row["shots"] == 8 * 1024 for row in rows)
    assert np.abs(deviations).max() < 5
    assert np.std(deviations) > 0.1
    again = replay(done.id, make_places(None, None), silent)
    assert again.as_json()["objectives"] == rows


def test_bad_entries_are_said(small_experiment):
    def load(**entry):
        fields = {"label": "o", "objective": "original"} | entry
        return load_experiment(small_experiment | {"objectives": [fields]})

    with pytest.raises(ConfigError, match=r"objectives\.o: rank is 3; expected at most 2"):
        load(rank=3)
    with pytest.raises(ConfigError, match="two entries have the label 'als'"):
        load(label="als")
    with pytest.raises(ConfigError, match="objective"):
        load(objective="other")
