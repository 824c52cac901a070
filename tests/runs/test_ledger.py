"""The ledger says what was sent, whoever asks, and counts what was spent."""

import sqlite3

import pytest

from qrec.errors import ConfigError, QrecError
from qrec.runs.ledger import JobRecord, Ledger, new_uid

pytestmark = pytest.mark.usefixtures("runs_dir")


def record(uid: str, device: str = "qpu", seconds: float = 3.0, entry: str = "") -> JobRecord:
    return JobRecord(uid, "run", entry or device, device, "PLANNED", None, 100, seconds)


def test_what_one_process_notes_another_reads():
    Ledger().add([record("a"), record("b")])
    Ledger().submitting("a")
    assert [job.state for job in Ledger().jobs("run")] == ["SUBMITTING", "PLANNED"]
    Ledger().submitted("a", "job-1")
    assert Ledger().job("a").job_id == "job-1"


def test_entering_a_job_again_changes_nothing():
    ledger = Ledger()
    ledger.add([record("a")])
    ledger.submitted("a", "job-1")
    ledger.add([record("a"), record("b")])
    assert [job.state for job in ledger.jobs()] == ["SUBMITTED", "PLANNED"]


def test_every_change_is_synced_to_the_disk(monkeypatch):
    plain = sqlite3.connect

    def other_build(*arguments, **options):
        """Connect as a library of SQLite does that was built with defaults of its own."""
        connection = plain(*arguments, **options)
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", other_build)
    ledger = Ledger()
    with ledger._connect() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_unknown_states_are_refused():
    ledger = Ledger()
    ledger.add([record("a")])
    with pytest.raises(sqlite3.IntegrityError):
        ledger.ended("a", "PERHAPS")


def test_budget_counts_what_was_used_or_else_predicted():
    ledger = Ledger()
    ledger.add([record(uid) for uid in "abcd"] + [record("other", device="aer")])
    assert ledger.spent("qpu") == 0.0
    ledger.submitting("a")
    ledger.submitted("a", "1")
    ledger.submitting("b")
    ledger.submitting("c")
    ledger.refused("c", "FAILED", "no such circuit")
    ledger.submitted("other", "2")
    assert ledger.spent("qpu") == 6.0
    ledger.ended("a", "DONE", used=10.0)
    assert ledger.spent("qpu") == 13.0
    assert ledger.spent("qpu", besides={"b"}) == 10.0


@pytest.mark.parametrize("state", ["DONE", "FAILED", "CANCELLED"])
def test_a_job_that_ended_counts_as_predicted_until_its_usage_is_known(state):
    ledger = Ledger()
    ledger.add([record("a")])
    ledger.submitting("a")
    ledger.submitted("a", "1")
    ledger.ended("a", state)
    assert ledger.spent("qpu") == 3.0
    ledger.used("a", 0.5)
    assert ledger.spent("qpu") == 0.5


def test_entries_of_one_device_share_what_was_spent_and_sent():
    ledger = Ledger()
    ledger.add([record("a", entry="qpu"), record("b", entry="the_same_qpu")])
    for uid in "ab":
        ledger.submitting(uid)
    assert ledger.spent("qpu") == 6.0
    assert len(ledger.sent_within("qpu", 60.0)) == 2


def test_executions_count_where_they_may_have_been_taken():
    ledger = Ledger()
    ledger.add([record(uid) for uid in "abc"])
    ledger.submitting("a", self_test=700)
    ledger.submitted("a", "1")
    ledger.submitting("b")
    assert ledger.executed("qpu") == 800 + 100
    ledger.ended("a", "FAILED")
    ledger.planned("b")  # not found, though a request left: it may be paid for all the same
    ledger.submitting("b")
    ledger.submitted("b", "2")
    assert ledger.executed("qpu") == 800 + 200
    assert ledger.executed("qpu", besides={"a"}) == 200


def test_doubts_are_kept_until_every_request_is_accounted_for():
    ledger = Ledger()
    ledger.add([record("a")])
    ledger.submitting("a")
    ledger.submitting("a")
    ledger.submitted("a", "1")
    assert ledger.job("a").unanswered == 1
    ledger.spare("a", "2")
    assert (ledger.job("a").unanswered, ledger.job("a").job_id) == (0, "1")


def test_jobs_that_another_ledger_may_have_sent_are_in_doubt():
    ledger = Ledger()
    ledger.add([record("a")])
    ledger.add([record("a"), record("b")], in_doubt=True)
    assert [(job.state, job.unanswered) for job in ledger.jobs()] == [
        ("PLANNED", 0),
        ("SUBMITTING", 1),
    ]


def test_runs_are_given_up_and_taken_up():
    Ledger().give_up("run")
    assert Ledger().given_up() == {"run"}
    Ledger().take_up("run")
    assert Ledger().given_up() == set()


@pytest.mark.parametrize("version", [0, 99])
def test_a_ledger_of_another_schema_is_refused(version):
    path = Ledger().path
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(ConfigError, match=f"schema version {version}, expected"):
        Ledger()


def test_what_is_no_ledger_is_one_line():
    path = Ledger().path
    path.write_text("no ledger" * 1000)
    with pytest.raises(QrecError, match=r"ledger\.sqlite"):
        Ledger()


@pytest.mark.parametrize(
    ("column", "found"), [("message", b"\xff"), ("run", b"run"), ("sent", b"2026")]
)
def test_bytes_in_the_place_of_text_are_one_line(column, found):
    ledger = Ledger()
    ledger.add([record("a")])
    with sqlite3.connect(ledger.path) as connection:
        connection.execute(f"UPDATE jobs SET {column} = ?", (found,))
    with pytest.raises(ConfigError, match=f"job 'a': {column}: "):
        ledger.jobs()


def test_requests_of_the_last_minute():
    ledger = Ledger()
    ledger.add([record("a"), record("b")])
    ledger.submitting("a")
    assert len(ledger.sent_within("qpu", 60.0)) == 1
    assert ledger.sent_within("aer", 60.0) == []


def test_uids_are_never_the_same():
    assert len({new_uid() for _ in range(1000)}) == 1000
