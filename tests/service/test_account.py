"""Which instance of an account is asked for a job, and when a job counts as unknown."""

import json

import pytest
import requests

from qrec.backends.ibm import account as account_module
from qrec.backends.ibm.account import Account, of_job
from qrec.backends.ibm.service import _pages
from qrec.errors import UnknownJobError, UnknownOutcomeError


class Instance:
    """An instance that answers every question with one status and body."""

    def __init__(self, status, body=None, jobs=()):
        self.status, self.jobs, self.asked = status, list(jobs), 0
        self.body = json.dumps({"errors": [{"message": "no"}]}) if body is None else body

    def job_get(self):
        self.asked += 1
        if self.status == 200:
            return self.body
        response = requests.Response()
        response.status_code, response._content = self.status, self.body.encode()
        raise requests.HTTPError(response=response)

    def jobs_get(self, limit, skip, job_tags):
        self.asked += 1
        return {"jobs": self.jobs[skip : skip + limit]}


def asked_of(*instances):
    return of_job(list(instances), "job", lambda client: client.job_get())


def test_a_job_is_found_in_whatever_instance_has_it():
    assert asked_of(Instance(404), Instance(200, "found"), Instance(500)) == "found"


def test_a_job_is_unknown_where_all_say_so():
    with pytest.raises(UnknownJobError, match="does not know the job job"):
        asked_of(Instance(404), Instance(404))


@pytest.mark.parametrize(
    ("status", "body"), [(404, "<html>"), (404, "[]"), (500, None), (403, None)]
)
def test_anything_else_leaves_it_open(status, body):
    """A page of whatever stands before the service says nothing about its jobs."""
    for instances in ([Instance(status, body)], [Instance(500), Instance(404)]):
        with pytest.raises(requests.HTTPError):
            asked_of(*instances)


def test_the_jobs_of_a_run_are_read_page_by_page_while_they_carry_its_tag():
    ours = [{"tags": ["run"]}] * 70
    assert [len(page) for page in _pages(Instance(200, jobs=ours), "run", True)] == [50, 20]
    assert [len(page) for page in _pages(Instance(200, jobs=ours), "run", False)] == [50]
    ignoring = Instance(200, jobs=[*ours[:49], {"tags": None}, *ours])
    assert [len(page) for page in _pages(ignoring, "run", True)] == [50]
    endless = Instance(200, jobs=ours * 100)
    assert len(list(_pages(endless, "run", True))) == 20


@pytest.mark.parametrize("sending", [False, True])
def test_who_did_not_answer_is_left_alone_for_as_long_as_was_waited(sending, monkeypatch):
    """But for what may have had an effect: to look for that comes next."""
    now, asked = [0.0], []
    monkeypatch.setattr(account_module, "clock", lambda: now[0])
    monkeypatch.setattr(Account, "_connected", lambda _: None)

    def ask(_):
        asked.append(now[0])
        raise requests.Timeout

    account = Account()
    for moment in (0.0, 1.0, 59.0, 61.0):
        now[0] = moment
        with pytest.raises(UnknownOutcomeError, match=r"answer|reached"):
            account.ask("device", "asking", ask, sending)
    assert asked == ([0.0, 1.0, 59.0, 61.0] if sending else [0.0, 61.0])
