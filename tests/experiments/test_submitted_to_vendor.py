"""The hardware experiment goes through a vendor's backend as it goes through any other."""

import sys

import numpy as np
import pytest
import yaml

from qrec.backends import noiseless
from qrec.backends.readings import read
from qrec.errors import ConfigError, RejectedError
from qrec.experiments.base import Places
from qrec.runner.asking import Asker, Stored
from qrec.runner.drive import Work
from qrec.runner.fetch import fetch
from qrec.runner.load import load, restore
from qrec.runner.replay import replay
from qrec.runner.run import run
from qrec.runner.status import states
from qrec.runner.submit import dry_round, submit
from qrec.runs.answers import Answers
from qrec.runs.ledger import Ledger
from qrec.runs.progress import silent

pytestmark = pytest.mark.usefixtures("runs_dir")

# Its sampler gives zeros and its counts the truth; it counts what it is asked to run.
VENDOR = """
from types import SimpleNamespace
from qiskit.providers.basic_provider import BasicSimulator
from qrec.runs.ledger import Ledger

N_RUNS, MOST, SENT, WAITED = [], 10**6, [], []

class Backend(BasicSimulator):
    def run(self, circuits, shots=1024, **options):
        N_RUNS.append(len(circuits))
        if shots > MOST:
            raise ValueError(f"{shots} shots")
        job = super().run(circuits, shots=shots)
        for one in job.result().results:
            one.data.memory = None
        return job

class Waited(Backend):
    def run(self, circuits, **options):
        job = super().run(circuits, **options)
        SENT.append(Job(job.result(), f"vendor-{len(SENT)}"))
        return SENT[-1]

class Service(Waited):
    def retrieve_job(self, job_id):
        [job] = [job for job in SENT if job.job_id() == job_id]
        return job

class Job(SimpleNamespace):
    def __init__(self, result, name):
        super().__init__(found=result, name=name)

    def job_id(self):
        return self.name

    def status(self):
        return "COMPLETED"

    def result(self):
        WAITED.append((self.name, [job.job_id for job in Ledger().jobs() if job.job_id]))
        return self.found
"""
SMALL = {
    "experiments.recommenders.dataset": {
        "name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500
    },
    "experiments.recommenders.n_pairs": 4,
    "experiments.objectives.n_evaluations": 2,
}  # fmt: skip
N_CIRCUITS = 3 + 7  # of the recommenders; of the objectives, in their four forms


@pytest.fixture
def vendor(tmp_path, monkeypatch):
    """Return the vendor's module, there under the import path of the backend ``vendor``."""
    (tmp_path / "some_vendor.py").write_text(VENDOR)
    entry = {"kind": "provider", "backend": "some_vendor:Backend", "free": True, "shots": 300,
             "optimization_level": 1, "seed_transpiler": 7}  # fmt: skip
    entries = {
        name.lower(): entry | {"backend": f"some_vendor:{name}", "free": False}
        for name in ("Waited", "Service")
    }
    entries |= {"vendor": entry, "paid": entry | {"free": False}, "exact": {"kind": "exact"}}
    file = tmp_path / "backends.yaml"
    file.write_text(yaml.safe_dump({"schema_version": 1, "backends": entries}))
    monkeypatch.setenv("QREC_BACKENDS", str(file))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "some_vendor", raising=False)
    from qrec.backends.kinds.provider import _opened

    _opened.cache_clear()
    import some_vendor

    return some_vendor


def hardware(backend):
    return load("hardware", SMALL, [backend])


def asked(folder):
    """Return the workloads of every question of a finished run, with what came back."""
    found = []
    work = Work(restore(folder), folder, Stored())
    for step in work.steps:

        class Watching(Asker):
            def __call__(self, backend, workloads, name=step.name):
                readings = super().__call__(backend, workloads)
                raws = Answers(folder.path, name).read(self.number)
                found.extend(zip(workloads, raws, strict=True))
                return readings

        ask = Watching(folder.path, step.name, work.experiment.backends(), Stored(), lambda _: None)
        step.do(ask, work.have(step, ask))
    return found


def test_submitted_fetched_and_replayed(vendor, monkeypatch):
    sent = submit(hardware("vendor"), lambda _: None, None, silent).work.folder
    assert {row.state for row in states(sent.id)} == {"DONE"}
    n_runs = len(vendor.N_RUNS)
    fetched = fetch(sent.id, Places(), silent)
    assert len(fetched.rows) == 5 + 4
    questions = asked(sent)
    assert len(questions) == N_CIRCUITS
    for workload, raw in questions:
        found = read(workload, raw)
        [exact] = noiseless().run([workload])
        assert (np.abs(found.value - exact.value) < 5 * found.stderr).all()
        assert found.shots == 300
    monkeypatch.setattr("qrec.backends.kinds.provider._opened", None)  # the vendor is gone
    again = replay(sent.id, Places(), silent)
    key = "rmse"
    assert [row.get(key) for row in again.rows] == [row.get(key) for row in fetched.rows]
    assert len(vendor.N_RUNS) == n_runs


def test_what_is_not_free_runs_only_when_submitted(vendor, tmp_path):
    with pytest.raises(ConfigError, match="qrec submit"):
        run("hardware", backends=["paid"], overrides=SMALL)
    planned = dry_round(hardware("paid"), tmp_path, silent)
    [row] = planned.rows()
    self_test = planned.experiment.backend("paid").self_test_executions
    assert row.executions == (3 * 4 + 7 * 2) * 300 + self_test
    assert self_test >= 700
    assert planned.costs
    assert vendor.N_RUNS == []


def test_failed_jobs_are_sent_again(vendor):
    vendor.MOST = 100
    with pytest.raises(RejectedError, match="300 shots"):
        submit(hardware("vendor"), lambda _: None, None, silent)
    [failed] = [row for row in states(None) if row.state == "FAILED"]
    assert "300 shots" in failed.message
    vendor.MOST = 300
    submit(hardware("vendor"), lambda _: None, None, silent)
    assert [row.state for row in states(failed.run)].count("DONE") == N_CIRCUITS


def test_ids_are_in_the_ledger_before_jobs_are_waited_for(vendor):
    sent = submit(hardware("waited"), lambda _: None, None, silent).work.folder
    assert {row.state for row in states(sent.id)} == {"DONE"}
    (_, before), *waited = vendor.WAITED  # the self-test, once
    assert before == []
    assert len({name for name, _ in waited}) == N_CIRCUITS
    assert all(name in known for name, known in waited)
    assert [job.job_id for job in Ledger().jobs(sent.id)] == [name for name, _ in waited]


def test_jobs_that_the_vendor_looks_up_are_fetched_by_another_process(vendor):
    from qrec.backends.kinds.provider import _opened

    sent = submit(hardware("service"), lambda _: None, None, silent).work.folder
    assert {job.state for job in Ledger().jobs(sent.id)} == {"SUBMITTED"}
    assert len(vendor.WAITED) == 1  # for the self-test
    assert len(vendor.SENT) == 1 + N_CIRCUITS
    _opened.cache_clear()
    fetched = fetch(sent.id, Places(), silent)
    assert len(fetched.rows) == 5 + 4
    assert len(vendor.SENT) == 1 + N_CIRCUITS
    for workload, raw in asked(sent):
        found = read(workload, raw)
        [exact] = noiseless().run([workload])
        assert (np.abs(found.value - exact.value) < 5 * found.stderr).all()
