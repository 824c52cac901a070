"""Small runs of the variational SVD's experiments, from spec to files."""

import csv

import numpy as np
import pytest

from qrec.data.images import digits, psnr
from qrec.errors import ConfigError
from qrec.experiments.vqsvd.objective import _discordant
from qrec.experiments.vqsvd.sweep import sweep, sweep_ranks, uniform_matrices
from qrec.runner.load import load
from qrec.runner.run import resume, run

COMMON = {"schema_version": 1, "title": "small", "seed": 3}
SMALL = {
    "vqsvd_random": {
        "n_matrices": 3,
        "n_starts": 2,
        "lowest": [-1.0],
        "sizes": [{"n_qubits": 1, "layers": [2]}, {"n_qubits": 2, "layers": [1]}],
    },
    "vqsvd_digits": {"layers": [1], "n_starts": 1, "picture_rank": 2},
    "vqsvd_objective": {"n_qubits": 2, "rank": 3, "n_layers": 2, "n_matrices": 3, "n_starts": 4},
    "vqsvd_noise": {
        "forms": ["hadamard", "cheap", "encoding", "bell", "direct", "qsvd", "coincident"],
        "backends": ["exact", {"name": "aer_ideal", "shots": 20000}],
        "problems": [{"n_qubits": 1, "n_layers": 2, "n_matrices": 2}],
        "n_starts": 3,
    },
}


def spec(kind):
    return COMMON | {"kind": kind, "name": kind} | SMALL[kind]


@pytest.fixture(autouse=True)
def runs_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("QREC_RUNS_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("kind", SMALL)
def test_a_run_leaves_rows_pictures_and_a_report(kind):
    first = run(spec(kind))
    with (first.folder.path / "rows.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(first.rows)
    pictures = list((first.folder.path / "figures").glob("*.png"))
    drawn = {picture.stem for picture in pictures}
    assert set() < set(first.figures) <= drawn
    assert all(name.startswith("circuit") for name in drawn - set(first.figures))
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
    assert (first.folder.path / "report.html").is_file()
    assert first.table()


@pytest.mark.parametrize("kind", ["vqsvd_objective", "vqsvd_noise"])
def test_a_stopped_run_is_taken_up_where_it_was_and_ends_with_the_same_numbers(kind):
    done = run(spec(kind))
    kept, lost, *_ = sorted((done.folder.path / "outcomes").iterdir())
    (done.folder.path / "rows.csv").unlink()
    lost.unlink()
    before = kept.stat().st_mtime_ns
    again = resume(done.id)
    assert kept.stat().st_mtime_ns == before
    assert len(again.rows) == len(done.rows)
    for row, row_again in zip(done.rows, again.rows, strict=True):
        # The cheap test's phase is a sum whose order, and last digit, Qiskit leaves open.
        assert row_again == pytest.approx(row)


@pytest.mark.parametrize("kind", ["vqsvd_random", "vqsvd_digits"])
def test_no_row_beats_the_optimum_beside_it(kind):
    rows = run(spec(kind)).rows
    value = "best_mse" if kind == "vqsvd_random" else "mse"
    keys = [k for k in ("lowest", "n_qubits", "n_layers", "rank") if k in rows[0]]
    optimum = {tuple(r[k] for k in keys): r[value] for r in rows if r["objective"] == "optimum"}
    others = [row for row in rows if row["objective"] != "optimum"]
    assert len(others) == 4 * len(optimum)
    for row in others:
        assert row[value] >= optimum[tuple(row[k] for k in keys)] - 1e-12
        assert row["circuits_parameter_shift"] >= row["circuits_finite_difference"]


def test_objectives_that_are_the_error_have_no_discordant_pairs():
    rows = {row["objective"]: row for row in run(spec("vqsvd_objective")).rows}
    assert rows["modified"]["discordant"] == rows["subspace"]["discordant"] == 0
    assert rows["modified"]["best_mse"] == pytest.approx(rows["modified"]["least_mse"])


def test_ranks_of_one_training_are_those_of_training_each():
    matrices = uniform_matrices(2, 2, -1.0, seed=3)
    ranks = list(sweep_ranks(matrices, 2, "coincidence", 2, seed=1))
    assert len(ranks) == 4
    for rank, found in enumerate(ranks, 1):
        alone = sweep(matrices, 2, "coincidence", rank, 2, seed=1)
        np.testing.assert_allclose(found.error, alone.error)
        np.testing.assert_allclose(found.optimum, alone.optimum)
        np.testing.assert_array_equal(found.circuits["parameter_shift"],
                                      alone.circuits["parameter_shift"])  # fmt: skip


def test_discordant_counts_pairs_with_more_objective_and_more_error():
    share, mse = np.array([[1.0, 2.0, 3.0]]), np.array([[0.3, 0.1, 0.2]])
    assert _discordant(share, mse)[0] == pytest.approx(1 / 3)


def test_every_form_measures_the_same_value():
    rows = run(spec("vqsvd_noise")).rows
    for row in rows:
        if row["backend"] == "exact":
            assert row["ratio"] == pytest.approx(1, abs=1e-9)
            assert row["mse"] == pytest.approx(row["optimum_mse"], abs=1e-9)
        else:
            assert row["ratio"] == pytest.approx(1, abs=0.1)
    signal = {row["form"]: row["signal"] for row in rows if row["backend"] == "exact"}
    matrices = uniform_matrices(1, 2, 0.0, seed=3)
    largest, *_ = (np.linalg.svd(matrices, compute_uv=False) ** 2).T
    norms = (matrices**2).sum(axis=(1, 2))
    assert signal["encoding"] == pytest.approx((largest / 8).mean(), rel=1e-4)
    for form in ("direct", "qsvd", "coincident"):
        assert signal[form] == pytest.approx((largest / norms).mean(), rel=1e-4)
    assert signal["hadamard"] == pytest.approx(signal["cheap"])


def test_linear_algebra_takes_no_backend():
    with pytest.raises(ConfigError, match="no backend"):
        load(spec("vqsvd_digits"), backends=["aer_ideal"])
    moved = load(spec("vqsvd_noise"), backends=["aer_ideal"])
    assert moved.backend_names() == ["aer_ideal"]


@pytest.mark.parametrize("kind", SMALL)
def test_the_packaged_experiment_is_of_its_kind(kind):
    assert load(kind).spec.kind == kind


def test_noise_refuses_more_values_than_a_matrix_has():
    with pytest.raises(ConfigError, match="smallest matrix has 2 rows"):
        load(spec("vqsvd_noise") | {"rank": 3})


def test_digits_are_pictures_and_psnr_is_capped():
    images, labels = digits(2)
    assert images.shape == (20, 8, 8)
    assert images.min() == 0
    assert images.max() == 1
    assert list(labels) == [d for d in range(10) for _ in range(2)]
    np.testing.assert_allclose(psnr(np.array([0.0, 1e-2, 1.0]), 60.0), [60, 20, 0])
