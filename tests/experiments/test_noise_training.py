"""Training with and without noise: what a small run leaves, and what its third arm undoes."""

import csv

import numpy as np
import pytest

from qrec.errors import ConfigError
from qrec.experiments.noise.tables import IDEAL, NOISY, PUT_BACK
from qrec.runner.load import load
from qrec.runner.run import resume, run

SMALL = {
    "schema_version": 1,
    "kind": "noise_training",
    "name": "small",
    "title": "two starts of a net on four qubits",
    "seed": 5,
    "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1600},
    "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
    "backend": "exact_noisy",
    "n_layers": [2],
    "n_starts": 2,
    "params": {"n_factors": 2, "n_epochs": 3, "patience": 3, "batch_size": 256},
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        yield run(SMALL)


def test_every_arm_is_scored_beside_classical_models(small):
    assert [row["trained"] for row in small.rows if "trained" in row] == [
        "bias", "als", IDEAL, PUT_BACK, NOISY,
    ]  # fmt: skip
    assert [row["minus"] for row in small.rows if "minus" in row] == [IDEAL, PUT_BACK]
    details = small.folder.record().details
    assert details["backends"]["exact_noisy"]["spec"]["snapshot"] == "fake:FakeTorino"
    [kept] = small.folder.snapshots().values()
    assert kept.summary() == details["backends"]["exact_noisy"]["snapshot"]
    assert len(details["dataset"]["sha256"]) == 64


def test_differences_are_those_of_the_scores(small):
    scores = {row["trained"]: row for row in small.rows if "trained" in row}
    for row in (row for row in small.rows if "minus" in row):
        by_start = np.subtract(
            scores[NOISY]["rmse_with_by_start"], scores[row["minus"]]["rmse_with_by_start"]
        )
        np.testing.assert_allclose(row["difference_by_start"], by_start)
        assert row["difference"] == pytest.approx(by_start.mean())
        assert row["low"] < row["difference"] < row["high"]


def test_noise_is_undone_where_it_only_shrinks_and_shifts(small):
    scores = {row["trained"]: row for row in small.rows if "trained" in row}
    [noise] = [row for row in small.rows if "shrink" in row]
    assert 0.5 < noise["shrink"] < 1
    assert noise["left"] < 0.02
    ideal = np.array(scores[IDEAL]["rmse_without_by_start"])
    off = abs(np.array(scores[IDEAL]["rmse_with_by_start"]) - ideal)
    assert (abs(np.array(scores[PUT_BACK]["rmse_with_by_start"]) - ideal) < 0.2 * off).all()


def test_report_and_figure(small):
    assert (small.folder.path / "figures" / "difference.png").read_bytes()[:4] == b"\x89PNG"
    assert "Does training with noise help?" in (small.folder.path / "report.html").read_text()
    assert max(map(len, small.table().splitlines())) <= 80
    with (small.folder.path / "rows.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(small.rows)


def test_a_stopped_run_ends_with_the_same_numbers(small, monkeypatch):
    monkeypatch.setenv("QREC_RUNS_DIR", str(small.folder.path.parent))
    for step in ("layers_2.s1", "layers_2"):
        (small.folder.path / "outcomes" / f"{step}.npz").unlink()
    (small.folder.path / "rows.csv").unlink()
    assert resume(small.id).rows == small.rows


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"params.n_layers": 3}, "n_layers.*known:.*n_factors"),
        ({"params.ref": 3}, "did you mean 'reg'"),
        ({"n_starts": 1}, "n_starts.*greater than or equal to 2"),
        ({"dataset": "ml-100"}, "did you mean 'ml-100k'"),
    ],
)
def test_wrong_key_or_value_is_named(changes, said):
    with pytest.raises(ConfigError, match=f"(?s){said}"):
        load(SMALL, changes)


@pytest.mark.parametrize("backend", ["exact", "aer_ideal"])
def test_a_backend_without_noise_or_gradients_is_refused(backend):
    with pytest.raises(ConfigError, match="kind exact with a snapshot"):
        load(SMALL, backends=[backend]).backends()
    with pytest.raises(ConfigError, match="takes one backend"):
        load(SMALL, backends=[backend, "exact_noisy"])


def test_the_packaged_experiment_takes_real_ratings():
    spec = load("noise_training", {"dataset": "ml-100k"}).spec
    assert spec.dataset == {"name": "ml-100k"}
