"""Whatever goes wrong with the service: no job lost, none sent twice, one clear line.

Jobs are counted on the server. The ledger could be wrong about them; the server is paid.
"""

from collections import Counter

import pytest
from loopback_service import API_KEY, Fault, Service

REJECTED = [400, 403, 404, 409, 413, 422]
DOUBTFUL = [500, 502, 503, 504, "reset", "lost", "hang", "garbage", "truncated"]
ARRIVED = ["lost", "garbage", "truncated"]  # done, though no usable answer said so
FAULTS = [*REJECTED, 429, 401, *DOUBTFUL]
pytestmark = pytest.mark.usefixtures("two_jobs_and_no_patience")
PATHS = {
    "submit": ("POST", r"/jobs$"),
    "poll": ("GET", r"/jobs/[^/?]+(\?|$)"),
    "fetch": ("GET", r"/results$"),
    "metrics": ("GET", r"/metrics$"),
    "properties": ("GET", r"/properties\?updated_before="),
    "cancel": ("POST", r"/cancel$"),
    "batch": ("POST", r"/sessions$"),
    "find": ("GET", r"/jobs\?"),
}


def sweep(*values: object) -> list[object]:
    """Mark all but the first value of a sweep as slow."""
    return [values[0], *later(*values[1:])]


def later(*values: object) -> list[object]:
    """Mark values as slow."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


def assert_said_clearly(status: int, err: str, tmp_path) -> None:
    messages = [line for line in err.splitlines() if line.startswith("qrec: ")]
    assert len(messages) == (1 if status else 0), err
    assert "Traceback" not in err
    assert API_KEY not in err
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or API_KEY.encode() not in path.read_bytes(), path


def assert_two_live_jobs(service: Service) -> None:
    """Count on the server: each uid has one job that ran or will run."""
    uids = Counter(job.body["tags"][0] for job in service.live())
    assert list(uids.values()) == [1, 1], uids


@pytest.mark.parametrize("times", [1, 99], ids=["once", "always"])
@pytest.mark.parametrize("how", sweep("lost", *FAULTS[:-4], *FAULTS[-3:]))
def test_submit(how, times, submit, fetch_all, service, tmp_path):
    service.faults = [Fault(*PATHS["submit"], how, times)]
    status, _, err = submit()
    assert_said_clearly(status, err, tmp_path)
    if how in REJECTED:
        assert status == 1
        assert f"status {how}" in err
    elif times == 1 or how in ARRIVED:  # tried again, or found by its uid
        assert status == 0
    else:
        assert status == (4 if how == 401 else 3)
    service.faults = []
    assert submit()[0] == 0
    fetch_all()
    assert_two_live_jobs(service)


@pytest.mark.parametrize("how", ["reset", "garbage", 500, 429])
@pytest.mark.parametrize("where", sweep("find", "batch"))
def test_submit_when_something_around_it_fails(where, how, submit, fetch_all, service, tmp_path):
    lost = [Fault(*PATHS["submit"], "lost")] if where == "find" else []
    service.faults = [*lost, Fault(*PATHS[where], how, 3)]
    status, _, err = submit()
    assert_said_clearly(status, err, tmp_path)
    service.faults = []
    assert submit()[0] == 0
    fetch_all()
    assert_two_live_jobs(service)


@pytest.mark.parametrize("times", [1, 99], ids=["once", "always"])
@pytest.mark.parametrize("how", sweep(*FAULTS))
@pytest.mark.parametrize("where", ["poll", "fetch", *later("metrics", "properties")])
def test_fetch(where, how, times, submit, qrec, fetch_all, service, tmp_path):
    submit()
    service.faults = [Fault(*PATHS[where], how, times)]
    optional = where == "properties" and how in REJECTED  # a result does not wait for them
    for _ in range(3):
        status, _, err = qrec("fetch", "latest")
        assert_said_clearly(status, err, tmp_path)
        assert status == 3 or (status == 0 and (times == 1 or optional))
    assert status == 0 or not optional
    service.faults = []
    fetch_all()
    assert_two_live_jobs(service)
    assert len(service.jobs) == 2


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 99], ids=["once", "always"])
@pytest.mark.parametrize("how", FAULTS)
def test_fetch_of_a_job_in_doubt(how, times, submit, qrec, fetch_all, service, tmp_path):
    service.faults = [Fault(*PATHS["submit"], "lost"), Fault(*PATHS["find"], "garbage", 99)]
    assert submit()[0] == 3
    service.faults = [Fault(*PATHS["find"], how, times)]
    for _ in range(3):
        status, _, err = qrec("fetch", "latest")
        assert_said_clearly(status, err, tmp_path)
        assert status == 3  # the second job was never sent
    assert len(service.jobs) == 1
    service.faults = []
    assert submit()[0] == 0
    fetch_all()
    assert_two_live_jobs(service)


@pytest.mark.parametrize("times", [1, 99], ids=["once", "always"])
@pytest.mark.parametrize("how", sweep(*FAULTS, "empty", "late", "ignored"))
def test_cancel(how, times, submit, qrec, service, tmp_path):
    """What is said to have ended has; what runs on is named, and the exit status is not 0."""
    service.stuck = True
    submit()
    service.faults = [Fault(*PATHS["cancel"], how, times)]
    status, _, err = qrec("cancel", "latest")
    assert_said_clearly(status, err, tmp_path)
    states = {job.id: job.state for job in service.jobs.values()}
    assert (status == 0) == (set(states.values()) == {"Cancelled"})
    if how != 401:  # one line for the account, not one for each job
        assert all((name in err) == (state != "Cancelled") for name, state in states.items())
    service.faults = []
    assert qrec("cancel", "latest")[0] == 0
    assert [job.state for job in service.jobs.values()] == ["Cancelled", "Cancelled"]


@pytest.mark.parametrize("end", ["Failed", "Cancelled - Ran too long"])
def test_a_job_that_failed_is_sent_again_when_asked_for(end, submit, qrec, fetch_all, service):
    service.ends = end
    submit()
    qrec("fetch", "latest")
    status, _, err = qrec("fetch", "latest")
    assert status == 1
    assert "error 9701" in err or "error 1305" in err
    service.ends = "Completed"
    assert submit()[0] == 0
    fetch_all()
    assert_two_live_jobs(service)


def test_a_job_that_is_stuck_can_be_waited_for(submit, qrec, fetch_all, service):
    service.stuck = True
    submit()
    for _ in range(3):
        assert qrec("fetch", "latest")[0] == 3
    service.stuck = False
    fetch_all()
    assert_two_live_jobs(service)


def test_an_expired_token_is_renewed(submit, fetch_all, service):
    submit()
    service.expired = True
    fetch_all()
    assert_two_live_jobs(service)


def test_a_revoked_key_is_a_missing_credential(submit, qrec, service, fetch_all, tmp_path):
    submit()
    service.revoked = service.expired = True
    for command in (("fetch", "latest"), ("cancel", "latest")):
        status, _, err = qrec(*command)
        assert_said_clearly(status, err, tmp_path)
        assert "API key" in err
    service.revoked = False
    fetch_all()
    assert_two_live_jobs(service)


def test_no_job_is_sent_above_the_usage_limit(submit, fetch_all, service):
    service.usage_limit_reached = True
    status, _, err = submit()
    assert (status, len(service.jobs)) == (1, 0)
    assert "usage limit reached" in err
    service.usage_limit_reached = False
    assert submit()[0] == 0
    fetch_all()
    assert_two_live_jobs(service)
