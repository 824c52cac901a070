"""`qrec cancel`: whatever is under way is reached, and nobody else's job."""

import shutil

import pytest
from loopback_service import Fault, Job
from test_faults import PATHS

from qrec.runs.folder import find_run
from qrec.runs.ledger import Ledger

pytestmark = pytest.mark.usefixtures("service", "experiment_file", "two_jobs_and_no_patience")


@pytest.fixture(autouse=True)
def stuck(service):
    """Jobs that wait for as long as a test takes."""
    service.stuck = True


def states(service):
    return [job.state for job in service.jobs.values()]


def foreign(service):
    """Put another's job before all others."""
    job = Job("job-of-another", {"tags": ["another's"], "program_id": "executor"}, "2025-01-01")
    service.jobs[job.id] = job
    return job


def test_a_job_of_another_run_is_left_alone_where_tags_are_ignored(submit, service, fetch_all):
    other, service.ignores_tags = foreign(service), True
    service.faults = [Fault(*PATHS["submit"], "lost")]
    assert submit()[0] == 0
    assert other.state == "Queued"
    assert all(job.job_id != other.id for job in Ledger().jobs())
    assert len(service.live()) == 3
    service.stuck = False
    fetch_all()
    assert other.end == "Completed"


@pytest.mark.parametrize("lag", ["tag_lag", "list_lag"])
def test_a_job_that_one_listing_does_not_show_yet_is_found_in_the_other(lag, submit, service):
    setattr(service, lag, 99)
    service.faults = [Fault(*PATHS["submit"], "lost")]
    assert submit()[0] == 0
    assert len(service.jobs) == 2


def test_a_job_in_doubt_that_cannot_be_looked_for_stays_in_doubt(submit, qrec, service):
    service.faults = [Fault(*PATHS["submit"], "lost"), Fault(*PATHS["find"], "garbage", 99)]
    assert submit()[0] == 3
    status, _, err = qrec("cancel", "latest")
    assert status == 3
    assert "may run on" in err
    assert Ledger().jobs()[0].state == "SUBMITTING"
    service.faults = []
    assert qrec("cancel", "latest")[0] == 0
    assert states(service) == ["Cancelled"]


def test_a_job_that_the_service_has_lost_does_not_hold_the_others(submit, qrec, service):
    submit()
    del service.jobs["job-000"]
    assert qrec("cancel", "latest")[0] == 0
    assert states(service) == ["Cancelled"]
    assert [job.state for job in Ledger().jobs()] == ["FAILED", "CANCELLED"]
    assert "does not know the job job-000" in Ledger().jobs()[0].message


@pytest.mark.parametrize("command", [("--job", "job-001"), ("--all",)], ids=["job", "all"])
def test_jobs_of_a_removed_run_are_reached(command, submit, qrec, service):
    submit()
    shutil.rmtree(find_run("latest").path)
    assert qrec("cancel", *command)[0] == 0
    assert states(service) == ["Cancelled" if "--all" in command else "Queued", "Cancelled"]
    [one, other] = Ledger().jobs()
    assert (one.state, other.state) == ("CANCELLED" if "--all" in command else "SUBMITTED",
                                        "CANCELLED")  # fmt: skip


def test_a_job_of_no_ledger_is_shown_and_cancelled_when_agreed(qrec, service):
    other = foreign(service)
    status, _, err = qrec("cancel", "--job", other.id)
    assert (status, other.state) == (2, "Queued")
    assert "another's" in err
    assert "--yes" in err
    assert qrec("cancel", "--job", other.id, "--yes")[0] == 0
    assert other.state == "Cancelled"
    status, _, err = qrec("cancel", "--job", "job-nowhere", "--yes")
    assert status == 1
    assert "does not know the job job-nowhere" in err


@pytest.mark.parametrize("command", [(), ("latest", "--all"), ("--all", "--job", "x")])
def test_one_thing_is_to_be_named(command, qrec):
    status, _, err = qrec("cancel", *command)
    assert status == 2
    assert "expected one of RUN, --job ID and --all" in err
