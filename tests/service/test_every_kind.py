"""Every kind that asks a backend with shots goes through the service: submit, fetch, replay."""

import json
import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "contracts"))

from test_experiments import ASKING, CHEAP, assert_same, small

from qrec.runs.ledger import Ledger

_MOST_ROUNDS = 40


def timeless(rows):
    return [{k: v for k, v in row.items() if not k.endswith("_seconds")} for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ASKING)
def test_submitted_fetched_and_replayed(kind, qrec, service, experiment_file, monkeypatch):
    monkeypatch.setattr("qrec.runner.jobs.sleep", lambda _: None)  # five jobs a minute are few
    backends = experiment_file.with_name("backends.yaml")
    entries = yaml.safe_load(backends.read_text())
    entries["backends"] |= {"cheap": CHEAP, "qpu": entries["backends"]["qpu"] | {
        "max_qpu_seconds": 1e6}}  # fmt: skip
    backends.write_text(yaml.safe_dump(entries))
    experiment_file.write_text(yaml.safe_dump(small(kind)))
    command = ("submit", experiment_file, "-b", "qpu", "--yes")
    for _ in range(_MOST_ROUNDS):
        status, _, err = qrec(*command)
        assert status == 0, err
        for job in service.jobs.values():
            job.step = 2
        status, _, err = qrec("fetch", "latest")
        if status == 0:
            break
        assert status == 3, err
        command = ("submit", "--resume", "latest", "--yes")
    assert status == 0, err
    assert {job.body["tags"][0] for job in service.jobs.values()} == {
        job.uid for job in Ledger().jobs()
    }
    rows = json.loads(qrec("show", "latest", "--json")[1])["rows"]
    assert any(row.get("backend") == "qpu" for row in rows)
    service.jobs.clear()
    monkeypatch.setenv("IAM_URL", "http://127.0.0.1:9")  # nobody is there: replay must not ask
    status, out, err = qrec("replay", "latest", "--json")
    assert status == 0, err
    assert_same(timeless(json.loads(out)["rows"]), timeless(rows))
