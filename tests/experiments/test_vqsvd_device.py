"""The variational SVD's objectives on a device: what is measured, and against what."""

import numpy as np
import pytest

from qrec.errors import ConfigError
from qrec.runner.drive import Work
from qrec.runner.load import load
from qrec.runner.replay import replay
from qrec.runner.run import make_places, run
from qrec.runs.outcomes import Outcomes
from qrec.runs.progress import silent

FORMS = [
    ("original", "published"),
    ("original", "direct"),
    ("modified", "published"),
    ("modified", "bell"),
    ("modified", "direct"),
    ("subspace", "direct"),
    ("coincidence", "direct"),
]
EXPERIMENT = {
    "schema_version": 1,
    "kind": "vqsvd_device",
    "name": "objectives",
    "title": "seven forms",
    "seed": 3,
    "objectives": [
        # Of rank 2, all of a 2x2 matrix, every shot of the direct projection finds the whole.
        {
            "label": f"{kind}-{form}",
            "objective": kind,
            "form": form,
            "rank": 1 if form == "direct" else 2,
        }
        for kind, form in FORMS
    ],
}


@pytest.mark.usefixtures("runs_dir")
def test_exact_values_are_the_objective_at_its_bound():
    done = run(EXPERIMENT)
    assert [(row["objective"], row["form"]) for row in done.rows] == FORMS
    for row in done.rows:
        stored = Outcomes(done.folder.path, ()).read(f"{row['label']}.fit").arrays
        singular = np.linalg.svd(stored["matrix"], compute_uv=False)
        leading = singular[: 1 if row["form"] == "direct" else 2]
        weights = np.arange(len(leading), 0, -1)
        bound = weights @ leading if row["objective"] == "original" else leading @ leading
        if row["objective"] == "coincidence":
            bound = 0
        assert row["value"] == pytest.approx(row["exact"], abs=1e-9)
        assert row["value"] == pytest.approx(bound, rel=1e-4, abs=1e-6)
        assert (row["stderr"], row["shots"]) == (0.0, None)
    assert "original-direct" in done.table()


@pytest.mark.usefixtures("runs_dir")
def test_shots_scatter_as_the_standard_error_says():
    done = run(EXPERIMENT, backends=["aer_ideal"])
    deviations = [(row["value"] - row["exact"]) / row["stderr"] for row in done.rows]
    assert done.rows[-1]["value"] == 0  # both parties agree in every shot
    assert all(row["shots"] == 8 * 1024 for row in done.rows)
    assert np.abs(deviations).max() < 5
    assert np.std(deviations) > 0.1
    assert replay(done.id, make_places(None, None), silent).rows == done.rows


@pytest.mark.usefixtures("runs_dir")
def test_circuits_of_an_entry_are_asked_in_one_question(monkeypatch):
    asked = []
    do = Work.do

    def counted(work, step, report):
        do(work, step, report)
        asked.append(len(list((work.folder.path / "raw").glob(f"{step.name}/*.npz"))))

    monkeypatch.setattr(Work, "do", counted)
    rows = run(EXPERIMENT, backends=["aer_ideal"]).rows
    assert asked == [0, 1] * len(FORMS)
    assert max(row["circuits"] for row in rows) > 1


def test_bad_entries_are_said():
    def loaded(*entries):
        return load(EXPERIMENT | {"objectives": list(entries)})

    entry = {"label": "o", "objective": "original"}
    with pytest.raises(ConfigError, match=r"objectives\.o: rank is 3; expected at most 2"):
        loaded(entry | {"rank": 3})
    with pytest.raises(ConfigError, match="two entries have the label 'o'"):
        loaded(entry, entry)
    with pytest.raises(ConfigError, match="objective"):
        loaded(entry | {"objective": "other"})
