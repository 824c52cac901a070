"""Training by circuits: what is asked, what it is measured against, and what it can cost."""

import numpy as np
import pytest

from qrec.backends.kinds.aer import AerBackend
from qrec.errors import ConfigError
from qrec.experiments.vqsvd.sweep import scaled_matrix
from qrec.runner.load import load
from qrec.runner.run import run
from qrec.runs.answers import Answers
from qrec.seeds import child_seed
from qrec.svd import VariationalSVD

EXPERIMENT = {
    "schema_version": 1,
    "kind": "vqsvd_training",
    "name": "training",
    "title": "two starts",
    "seed": 3,
    "objectives": ["modified"],
    "optimizers": {"adam": 3},
    "form": "direct",
    "backends": ["aer_ideal"],
    "n_starts": 2,
}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        yield run(EXPERIMENT)


def test_linear_algebra_stands_beside_the_backend_from_the_same_starts(done):
    matrix = scaled_matrix(1, child_seed(3, "matrix", 1))
    singular = np.linalg.svd(matrix, compute_uv=False)
    exact, measured = done.rows[:2], done.rows[2:]
    for start, (one, other) in enumerate(zip(exact, measured, strict=True)):
        seed = child_seed(3, "start", start)
        model = VariationalSVD(1, 1, optimizer="adam", max_iter=3, n_init=1, random_state=seed)
        assert one["measured"] == one["exact"] == pytest.approx(model.fit(matrix).objective_)
        assert one["mse"] == pytest.approx(np.mean(np.abs(matrix - model.reconstruct()) ** 2))
        assert (one["backend"], one["shots"]) == (None, None)
        assert (other["backend"], other["shots"]) == ("aer_ideal", 1024)
        assert other["measured"] != other["exact"]
        assert other["exact"] == pytest.approx(one["exact"], abs=0.2)
        assert one["highest"] == pytest.approx(singular[0] ** 2)
        assert one["optimum_mse"] == pytest.approx(singular[1] ** 2 / 4)


def test_starts_draw_shots_of_their_own(done):
    keys = [
        {w["key"] for w in Answers(done.folder.path, step).asked(0).workloads}
        for step in ("modified.adam.aer_ideal.s0", "modified.adam.aer_ideal.s1")
    ]
    assert not keys[0] & keys[1]


def test_the_most_that_is_asked_is_what_is_asked(done):
    step = next(s for s in load(EXPERIMENT).steps() if s.name == "modified.adam.aer_ideal.s0")
    asked = sum(one.times for one in step.most({}))
    answers = Answers(done.folder.path, step.name)
    assert answers.has(asked - 1)
    assert not answers.has(asked)
    algebra = next(s for s in load(EXPERIMENT).steps() if ".algebra." in s.name)
    assert algebra.most({}) == []


@pytest.mark.usefixtures("runs_dir")
def test_a_circuit_is_prepared_once_however_often_it_is_asked(monkeypatch):
    prepared = []
    prepare = AerBackend.prepare

    def counted(backend, workloads):
        prepared.append(len(workloads))
        return prepare(backend, workloads)

    monkeypatch.setattr(AerBackend, "prepare", counted)
    run(EXPERIMENT | {"n_starts": 1})
    assert prepared == [1, 2]  # the objective's circuit, and those that read the value out


def test_rank_beyond_the_matrix_is_refused():
    with pytest.raises(ConfigError, match="rank: found 3; expected at most 2"):
        load(EXPERIMENT | {"rank": 3})
