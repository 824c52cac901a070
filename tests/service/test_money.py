"""What is paid for: nothing twice, all of it counted, whatever else happens to jobs and files."""

import json
import shutil

import pytest
import yaml
from loopback_service import Fault

from qrec.backends.base import Limits
from qrec.backends.kinds.ibm import IbmBackend
from qrec.runs.folder import find_run
from qrec.runs.ledger import Ledger


@pytest.fixture(autouse=True)
def own_clock(monkeypatch):
    monkeypatch.setattr("qrec.runner.jobs.sleep", lambda _: None)


@pytest.fixture
def two_jobs(monkeypatch):
    monkeypatch.setattr(IbmBackend, "limits", property(lambda _: Limits(pubs=1)))


@pytest.fixture
def submit(qrec, experiment_file):
    """Return the one command that users give, with options."""
    return lambda *more: qrec("submit", experiment_file, "-b", "qpu", "--yes", *more)


def finish_jobs(service):
    for job in service.jobs.values():
        job.step = 2


def change(file, **fields):
    """Change fields of a YAML file; those of `qpu` where it holds backends."""
    content = yaml.safe_load(file.read_text())
    content.get("backends", {}).get("qpu", content).update(fields)
    file.write_text(yaml.safe_dump(content))


@pytest.mark.usefixtures("two_jobs")
def test_what_somebody_cancelled_is_sent_again_alone(submit, qrec, service, fetch_all):
    submit()
    first, second = service.jobs.values()
    first.step = second.step = 2
    second.end = "Cancelled"
    assert qrec("fetch", "latest")[0] == 1
    assert submit()[0] == 0
    assert len(service.jobs) == 3
    fetch_all()
    assert len(list(find_run("latest").path.parent.glob("*_tiny_*"))) == 1


def test_a_run_that_the_user_cancelled_begins_afresh_or_is_taken_up(submit, qrec, service):
    submit()
    assert qrec("cancel", "latest")[0] == 0
    given_up = find_run("latest").id
    assert qrec("fetch")[0] == 0, "nothing is waited for"
    assert submit()[0] == 0
    assert len({job.run for job in Ledger().jobs()}) == 2
    assert qrec("submit", "--resume", given_up, "--yes")[0] == 0
    assert len(service.live()) == 2
    assert Ledger().given_up() == set()


@pytest.mark.usefixtures("two_jobs")
def test_a_lost_ledger_sends_nothing_twice(submit, service, fetch_all):
    service.faults = [Fault("POST", r"/jobs$", 400, 1)]
    assert submit()[0] == 1
    assert submit()[0] == 0
    assert len(service.jobs) == 2
    for file in Ledger().path.parent.glob("ledger.sqlite*"):
        file.unlink()
    assert submit()[0] == 0
    fetch_all()
    assert len(service.jobs) == 2


def test_a_folder_copied_to_another_machine_is_fetched_there(
    submit, qrec, service, fetch_all, monkeypatch, tmp_path
):
    submit()
    shutil.copytree(find_run("latest").path, tmp_path / "there" / find_run("latest").id)
    monkeypatch.setenv("QREC_RUNS_DIR", str(tmp_path / "there"))
    assert submit()[0] == 0
    fetch_all()
    assert len(service.jobs) == 1
    for file in Ledger().path.parent.glob("ledger.sqlite*"):
        file.unlink()
    service.jobs.clear()  # what the folder holds is not asked for
    (find_run("latest").path / "rows.csv").unlink()
    shutil.rmtree(find_run("latest").path / "outcomes")
    status, _, err = qrec("fetch", "latest")
    assert status == 0, err
    assert Ledger().spent("ibm_loopback") == 3.0, "as its metrics say"


@pytest.mark.usefixtures("two_jobs")
def test_what_changes_nothing_computed_begins_no_new_run(submit, service, experiment_file):
    service.faults = [Fault("POST", r"/jobs$", 429, 99)]
    backends = experiment_file.with_name("backends.yaml")
    change(backends, max_qpu_seconds=50)
    assert submit()[0] == 3
    service.faults = []
    change(experiment_file, title="another title")
    change(backends, max_qpu_seconds=0.5)
    status, _, err = submit()
    assert (status, "0.5 s already used" in err) == (2, True), "what the file allows now counts"
    change(backends, max_qpu_seconds=55)
    assert submit()[0] == 0
    assert len({job.run for job in Ledger().jobs()}) == 1
    assert len(service.jobs) == 2


@pytest.mark.usefixtures("two_jobs")
def test_the_dry_run_of_a_run_under_way_shows_what_is_left(submit, service):
    service.faults = [Fault("POST", r"/jobs$", 400, 1)]
    assert submit()[0] == 1
    service.faults = [Fault("POST", r"/jobs$", 400, 99)]
    assert submit()[0] == 1
    ledger = Ledger()
    ledger.submitting(ledger.jobs()[-1].uid)
    ledger.submitted(ledger.jobs()[-1].uid, "somewhere")
    before = sorted(find_run("latest").path.rglob("*"))
    asked = ledger.jobs()[0].qpu_seconds
    status, out, err = submit("--dry-run", "--json", "--max-qpu-seconds", 2.5 * asked)
    assert status == 0, err
    [row] = json.loads(out)["rows"]
    assert (row["jobs"], row["pubs"]) == (1, 1)
    assert sorted(find_run("latest").path.rglob("*")) == before


def test_an_overrun_counts_for_the_next_round(qrec, service, experiment_file, monkeypatch):
    from test_rounds import TRAINING

    experiment_file.write_text(yaml.safe_dump(TRAINING))
    command = ("submit", experiment_file, "-b", "qpu", "--yes")
    assert qrec(*command)[0] == 0
    finish_jobs(service)
    monkeypatch.setattr("qrec.runner.jobs.used_seconds", lambda _: 59.0)
    status, _, err = qrec(*command)
    assert (status, len(service.jobs)) == (2, 1)
    assert "59.0 s of 60.0 s already used" in err


def test_another_entry_of_the_device_has_the_same_budget(submit, qrec, service, experiment_file):
    backends = experiment_file.with_name("backends.yaml")
    content = yaml.safe_load(backends.read_text())
    content["backends"]["again"] = content["backends"]["qpu"] | {"max_qpu_seconds": 3}
    backends.write_text(yaml.safe_dump(content))
    assert submit()[0] == 0
    used = Ledger().spent("ibm_loopback")
    assert 2 < used < 3
    status, _, err = qrec("submit", experiment_file, "-b", "again", "--yes")
    assert (status, len(service.jobs)) == (2, 1)
    assert f"{used:.1f} s of 3.0 s already used" in err


def test_a_job_that_ran_too_long_is_sent_again_with_a_longer_limit(submit, qrec, service):
    service.ends = "Cancelled - Ran too long"
    submit()
    finish_jobs(service)
    assert qrec("fetch", "latest")[0] == 1
    [before] = Ledger().jobs()
    assert submit()[0] == 0
    one, two = (job.body["cost"] for job in service.jobs.values())
    assert two - 5 == pytest.approx(2 * (one - 5), abs=2)
    assert Ledger().jobs()[-1].qpu_seconds == 2 * before.qpu_seconds


def test_a_job_that_failed_otherwise_is_thought_to_take_what_it_did(submit, qrec, service):
    service.ends = "Failed"
    submit()
    finish_jobs(service)
    assert qrec("fetch", "latest")[0] == 1
    assert submit()[0] == 0
    first, second = Ledger().jobs()
    assert first.qpu_seconds == second.qpu_seconds


def test_what_the_account_has_left_is_shown_before_sending(submit, monkeypatch, service):
    monkeypatch.setattr(IbmBackend, "account_seconds", lambda _: 42.0)
    out = submit("--dry-run")[1]
    assert "the account has 42.0 s left" in out
    assert not service.jobs
    [row] = json.loads(submit("--dry-run", "--json")[1])["rows"]
    assert row["account_seconds"] == 42.0


def test_executions_have_a_budget_where_the_entry_says_so(
    submit, monkeypatch, service, qrec, experiment_file
):
    monkeypatch.setattr(IbmBackend, "max_executions", property(lambda _: 479))
    status, _, err = submit()
    assert (status, service.jobs) == (2, {})
    assert "480 executions asked, 0 of 479" in err
    assert "39 shots" in err
    monkeypatch.setattr(IbmBackend, "self_test_executions", property(lambda _: 700))
    monkeypatch.setattr(IbmBackend, "max_executions", property(lambda _: 1179))
    assert submit()[0] == 2
    monkeypatch.setattr(IbmBackend, "max_executions", property(lambda _: 1180))
    assert submit()[0] == 0
    assert Ledger().executed("ibm_loopback") == 1180
    monkeypatch.setattr(IbmBackend, "self_test_executions", property(lambda _: 0))
    monkeypatch.setattr(IbmBackend, "max_executions", property(lambda _: 1579))
    other = ("submit", experiment_file, "-b", "qpu", "--yes", "--set", "n_pairs=5")
    status, _, err = qrec(*other)  # what earlier runs took counts
    assert status == 2
    assert "400 executions asked, 1180 of 1579" in err


def test_a_result_that_stays_unusable_is_given_up_and_sent_again(submit, qrec, service, fetch_all):
    submit()
    finish_jobs(service)
    [job] = service.jobs.values()
    job.result = "neither this nor that"
    for _ in range(2):
        status, _, err = qrec("fetch", "latest")
        assert (status, "qrec submit --again job-000" in err) == (3, True)
    run = find_run("latest")
    [kept] = (run.path / "raw" / "jobs").glob("*.unusable")
    assert kept.read_text() == job.result
    service.stuck = True
    assert qrec("submit", "--again", "job-000", "--yes")[0] == 0
    assert len(service.jobs) == 2
    given_up, sent = Ledger().jobs(run.id)
    assert (given_up.state, "given up" in given_up.message) == ("FAILED", True)
    assert (sent.state, sent.job_id) == ("SUBMITTED", "job-001")
    status, _, err = qrec("submit", "--again", run.id, "--yes")
    assert (status, len(service.jobs)) == (2, 2), "the new one is under way"
    service.stuck = False
    fetch_all()


def test_a_job_that_the_service_forgot_is_sent_again_by_resume(submit, qrec, service, fetch_all):
    submit()
    service.jobs.clear()
    status, _, err = qrec("fetch", "latest")
    assert (status, "it is lost" in err, "--resume" in err) == (1, True, True)
    assert qrec("submit", "--resume", "latest", "--yes")[0] == 0
    fetch_all()
    assert len(service.jobs) == 1


def test_results_are_fetched_though_the_device_is_gone(submit, qrec, service):
    submit()
    finish_jobs(service)
    service.faults = [Fault("GET", r"/properties\?updated_before=", 404, 99)]
    status, _, err = qrec("fetch", "latest")
    assert status == 0, err


@pytest.mark.parametrize("lag", [1, 3, 5])
def test_a_service_that_lists_late_has_each_job_once(lag, submit, service, fetch_all):
    service.tag_lag = service.list_lag = lag
    service.faults = [Fault("POST", r"/jobs$", "lost")]
    assert submit()[0] == 0
    fetch_all()
    assert len(service.jobs) == 1


@pytest.mark.parametrize("command", ["status", "fetch"])
def test_a_spare_job_is_cancelled_by_whoever_looks_later(command, submit, qrec, service):
    service.tag_lag = service.list_lag = 8
    service.faults = [Fault("POST", r"/jobs$", "lost")]
    assert submit()[0] == 0
    assert len(service.live()) == 2
    service.tag_lag = service.list_lag = 0
    qrec(command, "latest")
    [kept] = service.live()
    [job] = Ledger().jobs()
    assert (job.job_id, job.unanswered) == (kept.id, 0)


def test_status_asks_for_usage_that_was_pending(submit, qrec, service, monkeypatch):
    submit()
    finish_jobs(service)
    with monkeypatch.context() as patch:
        patch.setattr("qrec.runner.jobs.used_seconds", lambda _: None)
        assert qrec("fetch", "latest")[0] == 0
    assert Ledger().jobs()[0].used_seconds is None
    assert json.loads(qrec("status", "--json")[1])["rows"][0]["used_seconds"] == 3.0
    assert Ledger().spent("ibm_loopback") == 3.0
