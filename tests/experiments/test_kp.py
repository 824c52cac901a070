"""The experiments on the quantum recommendation system, on few ratings."""

import numpy as np
import pytest

from qrec.data import load_ratings
from qrec.errors import ConfigError, DataError, QrecError
from qrec.experiments.kp.blocks import rating_block
from qrec.recommenders.base import rating_matrix
from qrec.runner.load import load
from qrec.runner.run import run

DATA = {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500}
CIRCUITS = {
    "schema_version": 1, "kind": "kp_circuits", "name": "c", "title": "small", "dataset": DATA,
    "first": 1, "backends": ["exact"],
    "problems": [
        {"n_users": 4, "n_items": 4, "rank": 1, "phase_qubits": [2, 5], "degrees": [2, 4, 40],
         "measured": [2, 4]},
        {"n_users": 4, "n_items": 8, "rank": 2, "degrees": [4], "measured": [4]},
    ],
}  # fmt: skip
SAMPLING = {
    "schema_version": 1, "kind": "kp_sampling", "name": "s", "title": "small", "dataset": DATA,
    "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]}, "ranks": [3], "degrees": [2, 100],
    "n_rows": [20, 800], "n_factors": 3, "values": ["ratings", "liked"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def runs_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("QREC_RUNS_DIR", str(tmp_path))


@pytest.fixture(scope="module")
def circuits(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        return run(CIRCUITS).rows


@pytest.fixture(scope="module")
def sampling(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        return run(SAMPLING).rows


def test_rows_hold_what_is_compared(circuits, sampling):
    names = {"n_users", "n_items", "rank", "form", "size", "qubits", "u_calls", "cx", "depth",
             "p_success", "tv"}  # fmt: skip
    assert all(names <= set(row) for row in circuits)
    assert all({"method", "rank", "degree", "sampled", "top1"} <= set(row) for row in sampling)


def test_linear_algebra_is_what_the_circuits_give(circuits):
    by_key = {(r["n_items"], r["form"], r["size"], r["backend"]): r for r in circuits}
    for n_items, size in ((4, 2), (4, 4), (8, 4)):
        ideal, measured = (by_key[n_items, "qsvt", size, at] for at in ("ideal", "exact"))
        for name in ("tv", "p_success"):
            assert measured[name] == pytest.approx(ideal[name], abs=1e-9)


def test_estimation_by_linear_algebra_is_what_the_circuit_gives():
    experiment = load(CIRCUITS)
    from qiskit.quantum_info import SparseObservable

    from qrec.backends import Workload, open_backend
    from qrec.circuits.encodings import vectors_to_angles
    from qrec.circuits.parts.registers import basis_index

    block = experiment._block(experiment.spec.problems[0])
    circuit = block.circuit("qsve", 2)
    flag = 2 ** (circuit.num_qubits - 1)
    places = [basis_index(circuit, block.encoding.inputs, j) + flag for j in range(4)]
    read = [SparseObservable(format(p, f"0{circuit.num_qubits}b")) for p in places]
    asked = Workload(circuit, read, vectors_to_angles(block.rows), "q")
    [reading] = open_backend("exact").run([asked])
    np.testing.assert_allclose(reading.value, block.probabilities("qsve", 2), atol=1e-10)


def test_larger_circuits_come_near_the_truncated_svd(circuits):
    for form, sizes in (("qsve", (2, 5)), ("qsvt", (2, 40))):
        few, many = (
            next(r for r in circuits if (r["rank"], r["form"], r["size"]) == (1, form, size))
            for size in sizes
        )
        assert many["tv"] < min(0.05, few["tv"])
        assert many["cx"] > few["cx"]


def test_costs_are_those_of_the_construction(circuits):
    row = next(r for r in circuits if (r["form"], r["size"], r["n_items"]) == ("qsvt", 4, 4))
    assert (row["qubits"], row["u_calls"], row["cx"]) == (5, 4, 74)
    row = next(r for r in circuits if (r["form"], r["size"]) == ("qsve", 2))
    assert (row["qubits"], row["u_calls"]) == (7, 12)


def test_sharp_filter_recommends_what_the_svd_does(sampling):
    svd = next(r for r in sampling if (r["method"], r["values"]) == ("svd", "ratings"))
    soft, sharp = (r for r in sampling if r["method"] == "kp")
    for name in ("sampled", "p_success"):
        assert sharp[name] == pytest.approx(svd[name], rel=0.15), name
    assert abs(soft["sampled"] - svd["sampled"]) > abs(sharp["sampled"] - svd["sampled"])


def test_tang_never_beats_the_svd_in_error(sampling):
    svd = next(r for r in sampling if (r["method"], r["values"]) == ("svd", "ratings"))
    few, many = (r for r in sampling if r["method"] == "fkv")
    matrix = rating_matrix(load_ratings(**DATA)).toarray()
    values = np.linalg.svd(matrix, compute_uv=False)
    assert svd["error"] == pytest.approx(np.sqrt((values[3:] ** 2).sum() / (values**2).sum()))
    for row in (few, many):
        assert min(row["error"], row["error_orthonormal"]) >= svd["error"] - 1e-12
    assert many["error"] < few["error"]
    assert many["overlap"] > few["overlap"]


def test_shares_are_of_unseen_items_alone():
    experiment = load(SAMPLING)
    train, test = experiment._parts.train, experiment._parts.test
    known = np.zeros((60, 80))
    for part in (train, experiment._parts.validation):
        known[part.user, part.item] = 1.0
    liked = np.zeros((60, 80))
    liked[test.user[test.value >= 4], test.item[test.value >= 4]] = 1.0
    everything = experiment._shares(1e9 * known + liked)
    assert everything["sampled"] == everything["top1"] == 1.0
    assert everything["n_users"] == liked.any(axis=1).sum()
    nothing = experiment._shares(1e9 * known + (1 - liked))
    assert nothing["sampled"] == nothing["top1"] == 0.0


def test_uniform_is_the_share_of_liked_items(sampling):
    row = next(r for r in sampling if r["method"] == "uniform")
    assert row["top1"] is None
    assert 0 < row["sampled"] < 0.2


@pytest.mark.parametrize("kind", ["kp_circuits", "kp_sampling", "kp_scree"])
def test_packaged_experiment_is_of_its_kind(kind):
    assert load(kind).spec.kind == kind


def test_scree_plot_shows_the_singular_values():
    spec = {
        "schema_version": 1, "kind": "kp_scree", "name": "p", "title": "small", "dataset": DATA,
        "n_users": 4, "n_items": 4, "n_phase_qubits": 4, "backends": ["exact"], "first": 0,
    }  # fmt: skip
    done = run(spec).rows
    block = load(spec)._block()
    shares = np.linalg.svd(block, compute_uv=False) ** 2 / (block**2).sum()
    assert sum(row["share"] for row in done) == pytest.approx(1.0)
    assert sum(row["exact"] for row in done) == pytest.approx(1.0)
    theta = 2 * np.arccos(np.sqrt(shares.clip(0, 1)))
    for row in done:
        away = theta[:, None] / (2 * np.pi) - np.unique([row["k"], -row["k"] % 16]) / 16
        hit = np.abs(np.exp(2j * np.pi * away[..., None] * np.arange(16)).mean(axis=2)) ** 2
        assert row["share"] == pytest.approx(shares @ hit.sum(axis=1), abs=1e-9)
    largest = max(done, key=lambda row: row["share"])
    assert largest["value"] == pytest.approx(np.sqrt(shares[0]), abs=0.2)


def test_block_without_ratings_is_one_line():
    ratings = load_ratings(**DATA)
    few = ratings[(ratings.user < 2) & (ratings.item < 2)]
    with pytest.raises(DataError, match="first 50: no rating in the block of 2 x 2 there"):
        rating_block(few, 50, 2, 2)


def test_what_has_no_place_is_refused():
    problem = CIRCUITS["problems"][0]
    with pytest.raises(ConfigError, match="rank: found 4, expected less than the shorter side"):
        load(CIRCUITS | {"problems": [problem | {"rank": 4}]})
    with pytest.raises(ConfigError, match="degrees"):
        load(CIRCUITS | {"problems": [problem | {"degrees": [3]}]})
    with pytest.raises(DataError, match="first 58: expected 4"):
        load(CIRCUITS | {"first": 58}).circuits()
    with pytest.raises(QrecError, match="users have a test rating of 9"):
        run(SAMPLING | {"liked": 9.0})
    assert load(CIRCUITS, backends=["exact_noisy"]).backend_names() == ["exact_noisy"]
