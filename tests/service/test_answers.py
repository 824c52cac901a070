"""What the service says, how long it is waited for, and what is made of silence."""

import time
from email.utils import formatdate

import pytest
import yaml
from loopback_service import DEVICE, Fault
from test_faults import PATHS, assert_said_clearly

from qrec.backends import open_backend
from qrec.backends.ibm import session
from qrec.backends.ibm.session import retry_after
from qrec.backends.said import said
from qrec.errors import RejectedError, UnknownJobError
from qrec.runs.folder import find_run
from qrec.runs.ledger import Ledger

pytestmark = pytest.mark.usefixtures("service", "experiment_file", "two_jobs_and_no_patience")

HEADERS = {
    "3600": 60, "9" * 400: 60, formatdate(4_080_000_000): 60, "30": 30,
    "-5": None, "0": None, "": None, "soon": None, "1e9": None, "٣": None,
    "Wed, 21 Oct 2015 07:28:00 GMT": None, "Fri, 99 Oct 99999999999 07:28:00 GMT": None,
}  # fmt: skip


@pytest.mark.parametrize(("header", "seconds"), HEADERS.items(), ids=range(len(HEADERS)))
def test_the_time_that_a_service_asks_for_is_bounded(header, seconds):
    assert retry_after(header) == seconds


@pytest.mark.parametrize("wait", ["3600", formatdate(4_080_000_000)], ids=["hour", "2099"])
def test_reading_waits_a_minute_at_most_and_says_so(
    wait, submit, qrec, service, monkeypatch, caplog
):
    submit()
    waited = []
    monkeypatch.setattr(session, "sleep", waited.append)
    service.faults = [Fault(*PATHS["poll"], 429, 1, {"Retry-After": wait})]
    begun = time.monotonic()
    assert qrec("fetch", "latest")[0] == 3
    assert waited == [60.0]
    assert time.monotonic() - begun < 60
    assert "the next try is in 60 s" in caplog.text


def test_sending_is_told_a_minute_at_most(submit, service, monkeypatch):
    waited = []
    monkeypatch.setattr("qrec.runner.jobs.sleep", waited.append)
    service.faults = [Fault(*PATHS["submit"], 429, 1, {"Retry-After": "3600"})]
    assert submit()[0] == 0
    assert max(waited) == 60.0


@pytest.mark.parametrize("command", [("fetch",), ("cancel",)], ids=["fetch", "cancel"])
def test_a_hanging_service_is_waited_for_once(command, submit, qrec, service, tmp_path):
    submit()
    service.faults = [Fault("GET", r"/jobs", "hang", 99), Fault("POST", r"/cancel$", "hang", 99)]
    before = len(service.requests)
    status, _, err = qrec(*command, "latest")
    assert status == 3
    assert_said_clearly(status, err, tmp_path)
    about_jobs = [path for _, path in service.requests[before:] if "/jobs" in path]
    assert len(about_jobs) == (1 if command == ("fetch",) else 2)  # whether it was heard, too
    service.faults = []
    assert qrec("fetch", "latest")[0] in (0, 3)


@pytest.mark.parametrize("command", ["submit", "fetch", "cancel"])
def test_no_network_is_not_a_wrong_key(command, submit, qrec, tmp_path, monkeypatch):
    if command != "submit":
        submit()
    for name in ("IAM_URL", "GLOBAL_SEARCH_URL", "GLOBAL_CATALOG_URL", "QISKIT_IBM_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    status, _, err = submit() if command == "submit" else qrec(command, "latest")
    assert status == 3
    assert_said_clearly(status, err, tmp_path)
    assert "cannot be reached" in err
    assert "API key" not in err
    assert all(job.state != "SUBMITTING" for job in Ledger().jobs())  # nothing was sent


def test_a_listing_that_fails_is_no_empty_one(submit, service):
    service.faults = [Fault("GET", r"/backends(\?|$)", 403, 99, message="not your instance")]
    status, _, err = submit()
    assert status == 1
    assert "not your instance" in err
    assert "named no device" not in err


@pytest.mark.parametrize("gone", ["renamed", "no devices", "no properties"])
def test_jobs_outlive_their_device(gone, submit, qrec, fetch_all, service):
    submit()
    if gone == "renamed":
        service.devices[0]["name"] = "ibm_other"
    elif gone == "no devices":
        service.devices = []
    else:
        service.faults = [Fault("GET", "/properties", 404, 99), Fault("GET", "/configur", 404, 99)]
    assert qrec("status", "latest")[0] == 0
    fetch_all()
    assert all(job.state == "DONE" for job in Ledger().jobs())


def test_properties_that_lack_something_keep_no_result_back(submit, fetch_all, monkeypatch):
    monkeypatch.setattr("qrec.backends.ibm.service.IbmService.properties", lambda *_: {"gates": []})
    submit()
    fetch_all()
    assert all(job.state == "DONE" for job in Ledger().jobs())


def test_a_result_that_is_gone_is_not_a_job_that_is_gone(submit, service):
    submit()
    backend = open_backend("qpu")
    service.jobs["job-000"].step = 2
    service.faults = [Fault(*PATHS["fetch"], 404, 1)]
    with pytest.raises(RejectedError, match="has it no more") as caught:
        backend.collect("job-000")
    assert not isinstance(caught.value, UnknownJobError)
    for ask in (backend.poll, backend.reason, backend.collect, backend.metrics, backend.cancel):
        with pytest.raises(UnknownJobError, match="does not know the job job-999"):
            ask("job-999")


def test_what_a_service_says_is_made_fit_for_a_terminal(submit, qrec, service, tmp_path):
    service.ends, service.reason = "Failed", "\x1b[31mred\x1b]0;title\x07\nmore\x9b2J " + "x" * 5000
    submit()
    for job in service.jobs.values():
        job.step = 2
    out, err = qrec("status", "latest")[1], qrec("fetch", "latest")[2]
    for text in (out, err, *(job.message for job in Ledger().jobs())):
        assert "red" in text
        assert not set("\x1b\x07\x9b") & set(text)
        assert "x" * 301 not in text.replace("\n", "")
    assert len(err) < 1000
    for path in (tmp_path / "runs").rglob("*.json"):
        assert "\x1b" not in path.read_text()


def test_a_token_that_an_answer_repeats_is_not_shown(submit, service):
    service.faults = [Fault(*PATHS["submit"], 400, 1, message="not with {bearer}, my friend")]
    status, _, err = submit()
    assert status == 1
    assert "eyJ" not in err
    assert "not with Bearer ***, my friend" in err
    assert "eyJ" not in Ledger().jobs()[0].message


def test_a_text_is_cut_after_what_is_secret_is_taken_out():
    assert said("a" * 290 + " eyJhbGciOi.eyJpYXQiOjE3.c2lnbmF0dXJl").endswith("a ***")
    assert said("apikey Zm9vYmFy; x") == "apikey ***; x"
    assert said("y" * 301) == "y" * 300 + "..."


def test_status_says_why_a_job_failed_and_asks_once_for_a_run(submit, qrec, service):
    service.ends = "Failed"
    submit()
    for job in service.jobs.values():
        job.step = 2
    before = len(service.requests)
    out = qrec("status", "latest", "--json")[1]
    assert out.count("error 9701: the control electronics failed") == 2
    about_jobs = [path for _, path in service.requests[before:] if "/jobs" in path]
    assert about_jobs == ["/experimental/jobs"]
    assert not any("/backends/" in path for _, path in service.requests[before:])


def test_the_seconds_of_reading_files_are_none_of_a_qpu(submit, fetch_all):
    submit()
    fetch_all()
    rows = (find_run("latest").path / "rows.csv").read_text().splitlines()
    at = rows[0].split(",").index("predict_seconds")
    of_backend = {row.split(",")[1]: row.split(",")[at] for row in rows[1:]}
    assert of_backend["qpu"] == ""
    assert float(of_backend[""]) > 0


def _entry(path, **fields):
    content = yaml.safe_load(path.read_text())
    content["backends"]["qpu"] |= fields
    path.write_text(yaml.safe_dump(content))


@pytest.mark.parametrize("mode", ["batch", "session", "job"])
def test_jobs_are_sent_in_the_mode_of_the_entry(mode, submit, service, experiment_file):
    _entry(experiment_file.with_name("backends.yaml"), mode=mode)
    assert submit()[0] == 0
    places = {job.body.get("session_id") for job in service.jobs.values()}
    expected = {"batch": "session-batch", "session": "session-dedicated", "job": None}
    assert places == {expected[mode]}


def test_the_least_busy_device_is_chosen_once(submit, qrec, service, fetch_all, experiment_file):
    _entry(experiment_file.with_name("backends.yaml"), device="least_busy")
    busy = {**service.devices[0], "name": "ibm_busy", "queue_length": 7}
    away = {**service.devices[0], "name": "ibm_away", "status": {"name": "offline"}}
    service.devices = [busy, away, service.devices[0] | {"queue_length": 3}]
    status, out, _ = qrec("list", "devices", "--json")
    assert status == 0
    assert out.index("ibm_away") < out.index(DEVICE) < out.index("ibm_busy")
    service.faults = [Fault(*PATHS["submit"], 503, 99)]
    assert submit()[0] == 3
    busy["queue_length"] = 0
    service.faults = []
    assert submit()[0] == 0
    assert {job.body["backend"] for job in service.jobs.values()} == {DEVICE}
    fetch_all()


def test_a_job_runs_on_the_calibration_that_it_was_transpiled_for(submit, service, experiment_file):
    _entry(experiment_file.with_name("backends.yaml"), calibration_id="cal-1")
    assert submit()[0] == 0
    assert {job.body["calibration_id"] for job in service.jobs.values()} == {"cal-1"}


def test_the_seconds_that_an_account_has_left(service):
    backend = open_backend("qpu")
    assert backend.account_seconds() is None
    service.usage = {"usage_limit_seconds": 600, "usage_consumed_seconds": 590.5}
    assert backend.account_seconds() == 9.5
    service.usage = {"usage_allocation_seconds": 600, "usage_consumed_seconds": 700}
    assert backend.account_seconds() == 0.0


def test_a_lost_job_is_attached_by_its_id(submit, qrec, service, fetch_all):
    service.faults = [Fault(*PATHS["submit"], "lost"), Fault(*PATHS["find"], "garbage", 99)]
    assert submit()[0] == 3
    [job] = service.jobs.values()
    tags = job.body["tags"]
    job.body["tags"] = ["another's"]
    status, _, err = qrec("attach", "latest", job.id)
    assert status == 2, err
    assert "another's" in err
    job.body["tags"] = tags
    assert qrec("attach", "latest", job.id)[0] == 0
    assert Ledger().job(tags[0]).job_id == job.id
    service.faults = []
    assert submit()[0] == 0
    fetch_all()
    assert len(service.jobs) == 2
    assert qrec("attach", "latest", job.id)[0] == 2  # its result is here
