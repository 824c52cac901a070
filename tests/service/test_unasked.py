"""Nothing that costs is sent unasked, whoever would send it: jobs are counted at the service."""

import pytest
import yaml

from qrec.backends import open_backend
from qrec.data import load_ratings
from qrec.errors import PaidError
from qrec.recommenders import SwapTest
from qrec.runs.folder import find_run
from qrec.runs.ledger import Ledger

NOISE = {
    "schema_version": 1,
    "kind": "vqsvd_noise",
    "name": "noise",
    "title": "one small matrix",
    "problems": [{"n_qubits": 1, "n_layers": 1, "n_matrices": 1}],
    "forms": ["direct"],
    "backends": ["qpu"],
    "n_starts": 1,
}
TRAINED_THERE = {
    "label": "trained",
    "recommender": "vqsvd",
    "params": {"backend": "qpu", "max_iter": 1, "optimizer": "adam", "n_qubits": 1, "n_blocks": 1,
               "n_layers": 1, "n_factors": 1},
}  # fmt: skip
PREDICTED_THERE = {
    "label": "there",
    "recommender": "swap_test",
    "params": {"base": "@als", "backend": "qpu"},
    "backends": ["exact"],
}
HYBRID = {
    "label": "hybrid",
    "recommender": "lstm",
    "params": {"base": "@there", "prefit": True, "n_epochs": 1},
}
CIRCUIT = {
    "label": "circuit",
    "recommender": "angle_net",
    "params": {"n_factors": 1, "n_layers": 1, "training": "parameter_shift", "max_iter": 1,
               "training_backend": "qpu"},
    "backends": ["exact"],
}  # fmt: skip
GRID = {
    "label": "chosen",
    "recommender": "vqsvd",
    "params": {"n_qubits": 1, "n_factors": 1, "max_iter": 1, "n_blocks": 1},
    "grid": {"backend": ["exact", "qpu"]},
}
WAYS = {
    "kind of its own": None,
    "trained on a device": [TRAINED_THERE],
    "trained by parameter shift": [CIRCUIT],
    "base of a hybrid": [PREDICTED_THERE, HYBRID],
    "grid": [GRID],
}


@pytest.fixture(params=WAYS)
def paid_file(request, experiment_file):
    """Return an experiment that asks the QPU in one of the ways."""
    entries = WAYS[request.param]
    content = NOISE
    if entries is not None:
        content = yaml.safe_load(experiment_file.read_text())
        content |= {"recommenders": [content["recommenders"][0], *entries]}
    experiment_file.write_text(yaml.safe_dump(content))
    return experiment_file


def test_run_sends_nothing(qrec, service, paid_file):
    status, _, err = qrec("run", paid_file)
    assert (status, service.jobs, Ledger().jobs()) == (2, {}, [])
    assert "qrec submit" in err
    assert not list((paid_file.parent / "runs").glob("[0-9]*")), "no run is left behind"


def test_nothing_is_sent_where_run_does_not_look_first(qrec, service, paid_file, monkeypatch):
    monkeypatch.setattr("qrec.runner.run.refuse_paid", lambda _: None)
    status, _, err = qrec("run", paid_file)
    assert (status, service.jobs, Ledger().jobs()) == (2, {}, [])
    assert "qrec submit" in err


def test_fetch_sends_nothing_and_resume_neither(qrec, service, paid_file):
    assert qrec("submit", paid_file, "-b", "qpu", "--yes", "--dry-run")[0] in (0, 2)
    assert qrec("submit", paid_file, "--yes")[0] == 0
    sent = {job.body["tags"][0] for job in service.jobs.values()}
    assert sent == {job.uid for job in Ledger().jobs()}
    assert len(sent) == 1
    for _ in range(4):
        qrec("fetch", "latest")
        qrec("status")
    qrec("run", "--resume", "latest")
    assert len(service.jobs) == 1
    assert not find_run("latest").finished or len(Ledger().jobs()) == 1


@pytest.mark.usefixtures("experiment_file")
def test_plain_python_sends_nothing(service):
    ratings = load_ratings("synthetic", n_users=60, n_items=80, n_ratings=1500)[:30]
    backend = open_backend("qpu")
    model = SwapTest(backend="qpu").fit(ratings)
    for ask in (
        lambda: model.predict(ratings),
        lambda: model.score(ratings),
        lambda: model.recommend([0]),
        lambda: backend.run(model.workloads(ratings)),
        lambda: backend.send(backend.prepare(model.workloads(ratings)), "uid"),
        backend.sampler,
        backend.estimator,
    ):
        with pytest.raises(PaidError, match="qrec submit"):
            ask()
    assert service.jobs == {}
