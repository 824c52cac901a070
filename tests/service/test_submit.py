"""From the cost to the report: what a user does with a QPU, against the loopback service."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml
from loopback_service import API_KEY, CRN, Fault, decode_program
from stored import predictions

from qrec.backends import open_backend
from qrec.backends.base import Limits
from qrec.backends.device.snapshots import open_snapshot
from qrec.backends.ibm.account import forget_account
from qrec.backends.kinds.ibm import IbmBackend
from qrec.errors import ConfigError, MissingError
from qrec.runs.folder import find_run
from qrec.runs.ledger import Ledger
from qrec.runs.locks import only_submitter

OBJECTIVES = [
    {"label": "original", "objective": "original"},
    {"label": "modified", "objective": "modified", "form": "direct"},
]


def put_into_suite(path):
    """Turn an experiment's file into a suite of it and of measured objectives."""
    content = {key: v for key, v in yaml.safe_load(path.read_text()).items() if key != "seed"}
    members = [
        content | {"label": "pairs"},
        {"label": "objectives", "kind": "vqsvd_device", "objectives": OBJECTIVES,
         "n_evaluations": 2},
    ]  # fmt: skip
    shared = {key: content[key] for key in ("schema_version", "name", "title")}
    path.write_text(yaml.safe_dump(shared | {"kind": "suite", "seed": 3, "experiments": members}))


def executions(job) -> int:
    """Count what a job on the server makes the device run."""
    program, _ = decode_program(job.body["params"])
    return sum(int(np.prod(item.shape)) for item in program.items) * program.shots


def shell(*arguments, **options):
    command = [sys.executable, "-m", "qrec", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def test_dry_run_sends_nothing_and_counts_what_will_run(qrec, service, experiment_file):
    status, out, _ = qrec("submit", experiment_file, "-b", "qpu", "--dry-run", "--json")
    [row] = json.loads(out)["rows"]
    assert (status, service.jobs) == (0, {})
    assert not find_runs(experiment_file)
    qrec("submit", experiment_file, "-b", "qpu", "--yes")
    [job] = service.jobs.values()
    assert row["executions"] == executions(job) == 2 * 6 * 40
    assert (row["jobs"], row["pubs"]) == (1, 2)
    assert row["qpu_seconds"] <= job.body["cost"] < 2 * row["qpu_seconds"] + 10


def test_twirling_is_counted_as_the_client_prepares_it(service, experiment_file, qrec, tmp_path):
    content = yaml.safe_load((tmp_path / "backends.yaml").read_text())
    content["backends"]["qpu"]["twirl_measurements"] = True
    (tmp_path / "backends.yaml").write_text(yaml.safe_dump(content))
    _, out, _ = qrec("submit", experiment_file, "-b", "qpu", "--yes", "--json")
    [job] = service.jobs.values()
    assert json.loads(out)["rows"][0]["executions"] == executions(job)


def find_runs(experiment_file):
    return list((experiment_file.parent / "runs").glob("*_tiny_*"))


def test_fetched_run_is_compared_with_the_exact_one_and_replayed(
    qrec, service, experiment_file, fetch_all, monkeypatch
):
    qrec("run", experiment_file, "-b", "exact")
    exact = find_run("latest").id
    time.sleep(1.1)  # ids of runs go by the second
    assert qrec("submit", experiment_file, "-b", "qpu", "--yes")[0] == 0
    sent = find_run("latest").id
    fetch_all()
    status, out, _ = qrec("compare", exact, sent, "--json")
    rows = [row for row in json.loads(out)["rows"] if row["backend"] == "qpu"]
    assert status == 0
    assert [row["n_predictions"] for row in rows] == [6, 6]
    before = (find_run(sent).path / "rows.csv").read_text()
    service.jobs.clear()
    monkeypatch.setenv("IAM_URL", "http://127.0.0.1:9")  # nobody is there: replay must not ask
    assert qrec("replay", sent)[0] == 0
    columns = [line.split(",")[:4] for line in before.splitlines()]
    after = (find_run(sent).path / "rows.csv").read_text()
    assert [line.split(",")[:4] for line in after.splitlines()] == columns


def test_simulator_submitted_gives_the_numbers_of_a_run(qrec, experiment_file):
    qrec("run", experiment_file, "-b", "aer_ideal")
    direct = find_run("latest")
    time.sleep(1.1)
    assert qrec("submit", experiment_file, "-b", "aer_ideal")[0] == 0
    assert qrec("fetch", "latest")[0] == 0
    detached = find_run("latest")
    assert detached.id != direct.id
    for one, other in zip(predictions(direct), predictions(detached), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("suite", [pytest.param(False, marks=pytest.mark.slow), True])
def test_budget_refuses_and_what_it_says_fits(suite, qrec, service, experiment_file):
    key = "n_pairs"
    if suite:
        put_into_suite(experiment_file)
        key = "experiments.pairs.n_pairs"
    command = ("submit", experiment_file, "-b", "qpu", "--dry-run", "--json")
    asked = json.loads(qrec(*command)[1])["rows"][0]["qpu_seconds"]
    budget = 0.4 * 2.0 + 0.6 * asked  # two seconds are the job's own
    status, _, err = qrec(
        "submit", experiment_file, "-b", "qpu", "--yes", "--max-qpu-seconds", budget
    )
    assert (status, service.jobs) == (2, {})
    assert not find_runs(experiment_file)
    n_pairs, shots = map(int, re.findall(rf"--set {key}=(\d+), or .*?(\d+) shots", err)[0])
    assert qrec(*command, "--max-qpu-seconds", budget, "--set", f"{key}={n_pairs}")[0] == 0
    assert qrec(*command, "--max-qpu-seconds", budget, "--set", f"{key}={n_pairs + 2}")[0] == 2
    backends = experiment_file.parent / "backends.yaml"
    text = backends.read_text()
    backends.write_text(text.replace("shots: 40", f"shots: {shots}"))
    assert qrec(*command, "--max-qpu-seconds", budget)[0] == 0


def test_budget_that_nothing_fits(qrec, service, experiment_file):
    status, _, err = qrec(
        "submit", experiment_file, "-b", "qpu", "--yes", "--max-qpu-seconds", "1.5"
    )
    assert (status, service.jobs) == (2, {})
    assert "would fit: nothing of it" in err


def test_objectives_go_into_the_same_job(qrec, service, experiment_file, fetch_all):
    put_into_suite(experiment_file)
    _, out, _ = qrec("submit", experiment_file, "-b", "qpu", "--yes", "--json")
    [job] = service.jobs.values()
    [row] = json.loads(out)["rows"]
    assert row["pubs"] == 2 + 3
    assert row["executions"] == executions(job) == (2 * 6 + 3 * 2) * 40
    fetch_all()
    rows = json.loads(qrec("replay", "latest", "--json")[1])["rows"]
    original, modified = (row for row in rows if row["experiment"] == "objectives")
    assert (original["label"], original["shots"]) == ("original", 80)
    for found in (original, modified):
        # Noise takes much of it; the sign and the order of magnitude stay.
        assert 0.2 * found["exact"] < found["value"] < 1.2 * found["exact"] + 4 * found["stderr"]


@pytest.mark.parametrize("how", ["--dry-run", "--yes"])
def test_what_takes_no_shots_is_not_submitted(how, qrec, service, experiment_file):
    status, _, err = qrec("submit", experiment_file, "-b", "exact", how)
    assert (status, service.jobs, find_runs(experiment_file)) == (2, {}, [])
    assert "only exact, which give exact values; `qrec run` does it here" in " ".join(err.split())


def test_nothing_is_spent_without_being_asked_for(qrec, service, experiment_file, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    status, _, err = qrec("submit", experiment_file, "-b", "qpu")
    assert (status, service.jobs) == (2, {})
    assert "--yes" in err


def test_run_spends_nothing(qrec, service, experiment_file):
    status, _, err = qrec("run", experiment_file, "-b", "qpu")
    assert (status, service.jobs) == (2, {})
    assert "qrec submit" in err


def test_saved_account_is_enough(service, monkeypatch, tmp_path):
    for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE", "QISKIT_IBM_URL"):
        monkeypatch.delenv(name)
    entry = {"kind": "ibm", "device": "ibm_loopback", "shots": 10, "seed_transpiler": 0,
             "max_qpu_seconds": 1}  # fmt: skip
    # The client reads HOME when it is imported, so this needs a process of its own.
    ask = f"from qrec.backends import open_backend; print(open_backend({entry}).target.num_qubits)"
    command = [sys.executable, "-c", ask]
    without = subprocess.run(command, capture_output=True, text=True)
    assert "QISKIT_IBM_TOKEN" in without.stderr
    (tmp_path / ".qiskit").mkdir(exist_ok=True)
    account = {"channel": "ibm_quantum_platform", "token": API_KEY, "instance": CRN,
               "url": f"{service.url}/experimental"}  # fmt: skip
    saved = json.dumps({"default-ibm-quantum-platform": account})
    (tmp_path / ".qiskit" / "qiskit-ibm.json").write_text(saved)
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.stdout == "7\n", found.stderr


def test_wrong_names_are_said(service):
    entry = {"kind": "ibm", "shots": 10, "seed_transpiler": 0, "max_qpu_seconds": 1}
    with pytest.raises(ConfigError, match="ibm_loopback"):
        _ = open_backend({**entry, "device": "ibm_nowhere"}).target
    service.revoked = True
    forget_account()
    with pytest.raises(MissingError, match="API key") as caught:
        _ = open_backend({**entry, "device": "ibm_loopback"}).target
    assert API_KEY not in str(caught.value)


@pytest.mark.parametrize("arrives", [False, True], ids=["before", "after"])
def test_killed_while_submitting(arrives, service, experiment_file):
    """`kill -9` before or after the service has the job: the same command ends with one."""
    service.faults = [Fault("POST", r"/jobs$", "late" if arrives else "hang")]
    command = ["submit", experiment_file, "-b", "qpu", "--yes"]
    process = subprocess.Popen([sys.executable, "-m", "qrec", *map(str, command)])
    deadline = time.monotonic() + 60
    while ("POST", "/experimental/jobs") not in service.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)  # into the wait for the answer
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(service.jobs) == int(arrives)
    again = shell(*command)
    assert again.returncode == 0, again.stderr
    assert len(service.live()) == 1
    states = json.loads(shell("status", "--json").stdout)["rows"]
    assert [row["job"] for row in states] == [job.id for job in service.live()]
    fetched = [shell("fetch") for _ in range(2)][-1]
    assert fetched.returncode == 0, fetched.stderr
    assert len(service.jobs) == 1
    assert API_KEY not in again.stderr + fetched.stderr


@pytest.mark.parametrize("days", [pytest.param((1, 1), marks=pytest.mark.slow), (1, 2)])
def test_the_device_at_run_time_is_stored_once_per_calibration(
    days, service, experiment_file, qrec, fetch_all, monkeypatch
):
    monkeypatch.setattr(IbmBackend, "limits", property(lambda _: Limits(pubs=1)))
    qrec("submit", experiment_file, "-b", "qpu", "--yes")
    for job, day in zip(service.jobs.values(), days, strict=True):
        job.created = f"2026-01-0{day}T12:00:00Z"
    fetch_all()
    run = find_run("latest").path
    assert len(list((run / "snapshots").iterdir())) == 1 + len(set(days))  # the planned one, too
    for job, day in zip(service.jobs.values(), days, strict=True):
        metrics = json.loads((run / f"raw/jobs/{job.body['tags'][0]}.metrics.json").read_text())
        stored = open_snapshot(f"file:{run / metrics['snapshot']}")
        assert stored.date == f"2026-01-0{day}T00:00:00Z"
        assert stored.device.num_qubits == 7


@pytest.mark.parametrize("command", ["fetch", pytest.param("status", marks=pytest.mark.slow)])
def test_a_job_whose_request_was_never_answered_is_adopted(
    command, service, experiment_file, qrec, fetch_all, monkeypatch
):
    monkeypatch.setattr("qrec.runner.jobs.sleep", lambda _: None)
    service.faults = [Fault("POST", r"/jobs$", "lost"), Fault("GET", r"/jobs\?", "garbage", 99)]
    assert qrec("submit", experiment_file, "-b", "qpu", "--yes")[0] == 3
    service.faults = []
    qrec(command, "latest")
    [row] = json.loads(qrec("status", "--json")[1])["rows"]
    [job] = service.jobs.values()
    assert row["job"] == job.id
    fetch_all()
    assert len(service.jobs) == 1


def test_a_job_that_never_arrived_is_sent_by_submit_alone(
    service, experiment_file, qrec, monkeypatch
):
    monkeypatch.setattr("qrec.runner.jobs.sleep", lambda _: None)
    service.faults = [Fault("POST", r"/jobs$", "reset", 99)]
    command = ("submit", experiment_file, "-b", "qpu", "--yes")
    assert qrec(*command)[0] == 3
    service.faults = []
    assert qrec("status")[0] == 0
    status, _, err = qrec("fetch")
    assert (status, service.jobs) == (3, {})
    assert "give the same `qrec submit` again" in err
    assert qrec(*command)[0] == 0
    assert len(service.jobs) == 1


def test_a_doubt_is_left_to_the_process_that_is_submitting(
    service, experiment_file, qrec, monkeypatch
):
    monkeypatch.setattr("qrec.runner.jobs.sleep", lambda _: None)
    service.faults = [Fault("POST", r"/jobs$", "lost"), Fault("GET", r"/jobs\?", "garbage", 99)]
    qrec("submit", experiment_file, "-b", "qpu", "--yes")
    service.faults = []
    with only_submitter():
        assert qrec("fetch")[0] == 3
        assert [job.state for job in Ledger().jobs()] == ["SUBMITTING"]


def test_killed_while_planning_leaves_no_run(service, experiment_file, qrec):
    command = ("submit", experiment_file, "-b", "qpu", "--yes")
    killed = (
        "import os, signal, qrec.runner.budget as d; from qrec.cli import main; "
        "d.plan_jobs = lambda *_: os.kill(os.getpid(), signal.SIGKILL); main()"
    )
    process = subprocess.run([sys.executable, "-c", killed, *map(str, command)])
    assert process.returncode == -signal.SIGKILL
    assert not find_runs(experiment_file)
    assert qrec("fetch", "latest")[0] == 2
    assert qrec(*command)[0] == 0
    assert len(find_runs(experiment_file)) == len(service.jobs) == 1
    assert not list(experiment_file.parent.rglob(".unfinished-*"))


def test_two_fetchers_at_once(service, experiment_file, qrec):
    qrec("submit", experiment_file, "-b", "qpu", "--yes")
    for job in service.jobs.values():
        job.step = 2
    command = [sys.executable, "-m", "qrec", "fetch", "latest"]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate() and process.returncode for process in both] == [0, 0]
    assert sum(path.endswith("/results") for _, path in service.requests) == 1
