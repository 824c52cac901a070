"""A training on a device: round after round of jobs, whatever stops it in between."""

import json
import re
from collections import Counter

import pytest
import yaml
from killing import killed
from loopback_service import Fault

from qrec.runs.folder import find_run
from qrec.runs.ledger import Ledger

# Adam asks a gradient per iteration, the value at the end, and the elements of C.
TRAINING = {
    "schema_version": 1,
    "kind": "vqsvd_training",
    "name": "training",
    "title": "two starts, four rounds",
    "seed": 1,
    "n_qubits": 1,
    "n_layers": 1,
    "rank": 1,
    "objectives": ["modified"],
    "optimizers": {"adam": 2},
    "form": "direct",
    "n_starts": 2,
}
ROUNDS = 4


@pytest.fixture
def training_file(experiment_file):
    path = experiment_file.with_name("training.yaml")
    path.write_text(yaml.safe_dump(TRAINING))
    return path


def finish_jobs(service):
    for job in service.jobs.values():
        job.step = 2


def test_every_round_is_one_job_of_all_starts(qrec, service, training_file):
    status, out, _ = qrec("submit", training_file, "-b", "qpu", "--dry-run", "--json")
    [planned] = json.loads(out)["rows"]
    assert (status, planned["jobs"], service.jobs) == (0, 1, {})
    assert planned["circuits"] == 2, "one of each start"
    assert qrec("submit", training_file, "-b", "qpu", "--yes")[0] == 0
    for number in range(1, ROUNDS + 1):
        assert len(service.jobs) == number
        finish_jobs(service)
        status, _, err = qrec("fetch", "latest")
        if number < ROUNDS:
            assert status == 3
            assert f"qrec submit --resume {find_run('latest').id}" in err
            assert qrec("submit", "--resume", "latest", "--yes")[0] == 0
    assert status == 0
    used = sum(job.executions for job in Ledger().jobs())
    assert used <= planned["most_executions"]
    rows = json.loads(qrec("show", "latest", "--json")[1])["rows"]
    assert [row["shots"] for row in rows if row["backend"] == "qpu"] == [40, 40]
    service.jobs.clear()
    again = json.loads(qrec("replay", "latest", "--json")[1])["rows"]
    assert again == rows


def test_the_same_submit_goes_on_where_it_was(qrec, service, training_file):
    command = ("submit", training_file, "-b", "qpu", "--yes")
    for number in range(1, ROUNDS + 1):
        assert qrec(*command)[0] == 0
        assert qrec(*command)[0] == 0, "again, before anything has come"
        assert len(service.jobs) == number
        finish_jobs(service)
    assert qrec("fetch", "latest")[0] == 0
    assert len(list((training_file.parent / "runs").glob("*_training_*"))) == 1


def test_follow_stays_to_the_end(qrec, service, training_file, monkeypatch):
    monkeypatch.setattr("qrec.runner.jobs.sleep", lambda _: finish_jobs(service))
    status, _, err = qrec("submit", training_file, "-b", "qpu", "--yes", "--follow")
    assert status == 0, err
    assert len(service.jobs) == ROUNDS
    assert qrec("fetch", "latest")[0] == 0
    assert len({job.body.get("session_id") for job in service.jobs.values()}) == 1


def test_follow_ends_where_the_budget_does_and_is_taken_up_again(
    qrec, service, training_file, monkeypatch
):
    monkeypatch.setattr("qrec.runner.jobs.sleep", lambda _: finish_jobs(service))
    out = qrec("submit", training_file, "-b", "qpu", "--dry-run", "--json")[1]
    one = json.loads(out)["rows"][0]["qpu_seconds"]
    command = ("submit", training_file, "-b", "qpu", "--yes", "--follow")
    status, _, err = qrec(*command, "--max-qpu-seconds", 1.5 * one)
    assert status == 2
    assert "already used" in err
    assert 1 <= len(service.jobs) < ROUNDS
    assert qrec("submit", "--resume", "latest", "--yes", "--follow")[0] == 0
    assert len(service.jobs) == ROUNDS


def test_answers_of_other_code_are_refused(qrec, service, training_file):
    qrec("submit", training_file, "-b", "qpu", "--yes")
    finish_jobs(service)
    spec = find_run("latest").path / "spec.yaml"
    spec.write_text(re.sub("seed: 1", "seed: 2", spec.read_text()))
    status, _, err = qrec("fetch", "latest")
    assert status == 2
    assert "question 0: parameters of circuit 0" in err or "question 0: circuit" in err
    assert "code or data changed" in err


_SCRIPT = """
    submit, ends = ("submit", sys.argv[1], "-b", "qpu", "--yes"), []
    for moment in map(int, sys.argv[2:]):
        submitted = [child(*submit, moment=moment), child(*submit)]
        fetched = [child("fetch", "latest", moment=moment), *(child("fetch") for _ in range(4))]
        ends.append([*submitted, *fetched])
    print(json.dumps(ends), flush=True)
"""


@pytest.mark.parametrize(
    "moments",
    [[30, 12, 21, 9], *(pytest.param(m, marks=pytest.mark.slow) for m in (
        [12, 30, 15, 33], [40, 18, 27, 36], [20, 24, 6, 16], [44, 39, 42, 45]
    ))],
    ids=lambda moments: "-".join(map(str, moments)),
)  # fmt: skip
def test_killed_in_every_round_loses_nothing_and_pays_nothing_twice(
    moments, service, training_file
):
    ends = killed(_SCRIPT, training_file, *moments)[-1]
    assert sum(found.count(-9) for found in ends) >= 3, ends
    assert ends[-1][-1] == 0, ends
    uids = Counter(job.body["tags"][0] for job in service.jobs.values())
    assert set(uids.values()) == {1}
    assert len(uids) == ROUNDS
    assert find_run("latest").finished


def test_a_job_that_somebody_cancelled_is_said_and_sent_again_when_asked(
    qrec, service, training_file
):
    qrec("submit", training_file, "-b", "qpu", "--yes")
    [job] = service.jobs.values()
    job.end, job.step = "Cancelled", 2
    status, _, err = qrec("fetch", "latest")
    assert status == 1
    assert f"qrec submit --resume {find_run('latest').id}" in err
    assert len(service.jobs) == 1
    assert qrec("submit", "--resume", "latest", "--yes")[0] == 0
    assert len(service.jobs) == 2
    assert len(service.live()) == 1


def test_follow_goes_on_after_a_job_that_failed(qrec, service, training_file, monkeypatch):
    monkeypatch.setattr("qrec.runner.jobs.sleep", lambda _: finish_jobs(service))
    service.ends = "Failed"
    assert qrec("submit", training_file, "-b", "qpu", "--yes", "--follow")[0] == 1
    service.ends = "Completed"
    status, _, err = qrec("submit", "--resume", "latest", "--yes", "--follow")
    assert status == 0, err
    assert len(service.jobs) == ROUNDS + 1


@pytest.mark.parametrize("budget", ["nan", "inf", "-5"])
def test_a_budget_that_is_no_number_is_refused(budget, qrec, service, training_file):
    command = ("submit", training_file, "-b", "qpu", "--yes", "--max-qpu-seconds", budget)
    status, _, err = qrec(*command)
    assert (status, service.jobs) == (2, {})
    assert "--max-qpu-seconds" in err


def test_a_result_is_used_though_its_metrics_are_refused(qrec, service, experiment_file):
    qrec("submit", experiment_file, "-b", "qpu", "--yes")
    finish_jobs(service)
    service.faults = [Fault("GET", r"/metrics$", 404, 99)]
    status, _, err = qrec("fetch", "latest")
    assert status == 0, err
    [job] = Ledger().jobs()
    assert (job.state, job.used_seconds) == ("DONE", None)
    assert Ledger().spent(job.device) == job.qpu_seconds, "what was predicted counts"
