"""The hardware experiment goes through a vendor's backend as it goes through any other."""

import sys

import numpy as np
import pytest
import yaml
from qrec.experiments._detached import dry_plan, fetch, replay, states, submit
from qrec.experiments._run import make_places
from qrec.runs.execute import read_raws

from qrec.backends import open_backend
from qrec.backends.readings import read
from qrec.errors import ConfigError, RejectedError
from qrec.experiments import load_experiment, run
from qrec.runs.progress import silent

pytestmark = pytest.mark.usefixtures("runs_dir")

# Its sampler gives zeros and its counts the truth; it counts what it is asked to run.
VENDOR = """
from types import SimpleNamespace
from qiskit.providers.basic_provider import BasicSimulator

N_RUNS, MOST = [], 10**6

class Backend(BasicSimulator):
    def run(self, circuits, shots=1024, **options):
        N_RUNS.append(len(circuits))
        if shots > MOST:
            raise ValueError(f"{shots} shots")
        job = super().run(circuits, shots=shots)
        for one in job.result().results:
            one.data.memory = None
        return job
"""
SMALL = {
    "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
    "n_pairs": 4,
    "objectives": [],
}


@pytest.fixture
def vendor(tmp_path, monkeypatch):
    """Return the vendor's module, there under the import path of the backend ``vendor``."""
    (tmp_path / "some_vendor.py").write_text(VENDOR)
    entry = {"kind": "provider", "backend": "some_vendor:Backend", "free": True, "shots": 300,
             "optimization_level": 1, "seed_transpiler": 7}  # fmt: skip
    entries = {"vendor": entry, "paid": entry | {"free": False}, "exact": {"kind": "exact"}}
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
    return load_experiment("hardware", SMALL, [backend])


def test_submitted_fetched_and_replayed(vendor, monkeypatch):
    sent = submit(hardware("vendor"), lambda _: None, None, silent).folder
    assert {row["state"] for row in states(sent.id)} == {"DONE"}
    n_runs = len(vendor.N_RUNS)
    fetched = fetch(sent.id, make_places(None, None), silent)
    assert len(fetched.rows) == 5
    tasks = hardware("vendor").units(sent, silent)["vendor"]
    assert len(tasks) == 3
    for task, [unit] in tasks.items():
        found = read(unit.workload, read_raws(sent.path / "raw" / f"{task}.npz")[0])
        [exact] = open_backend("exact").run([unit.workload])
        assert (np.abs(found.value - exact.value) < 5 * found.stderr).all()
        assert found.shots == 300
    monkeypatch.setattr("qrec.backends.kinds.provider._opened", None)  # the vendor is gone
    again = replay(sent.id, make_places(None, None), silent)
    assert [row["rmse"] for row in again.rows] == [row["rmse"] for row in fetched.rows]
    assert len(vendor.N_RUNS) == n_runs


def test_what_is_not_free_runs_only_when_submitted(vendor, tmp_path):
    with pytest.raises(ConfigError, match="qrec submit"):
        run("hardware", backends=["paid"], overrides=SMALL)
    plan = dry_plan(hardware("paid"), tmp_path, silent)
    assert plan.rows()[0]["executions"] == 3 * 4 * 300 + 2 * 7 * 100  # two ways of testing it
    assert plan.experiment.backend("paid").costs
    assert vendor.N_RUNS == []


def test_failed_jobs_are_sent_again(vendor):
    vendor.MOST = 100
    with pytest.raises(RejectedError, match="300 shots"):
        submit(hardware("vendor"), lambda _: None, None, silent)
    [failed] = [row for row in states(None) if row["state"] == "FAILED"]
    assert "300 shots" in failed["message"]
    vendor.MOST = 300
    submit(hardware("vendor"), lambda _: None, None, silent)
    assert [row["state"] for row in states(failed["run"])].count("DONE") == 3
