"""The ledger says what was sent, whoever asks, and counts what was spent."""

import sqlite3

import pytest

from qrec.runs.ledger import JobRecord, Ledger, new_uid

pytestmark = pytest.mark.usefixtures("runs_dir")


def record(uid: str, backend: str = "qpu", seconds: float = 3.0) -> JobRecord:
    return JobRecord(uid, "run", backend, "PLANNED", None, 100, seconds)


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


def test_every_change_is_synced_to_the_disk():
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
    ledger.add([record(uid) for uid in "abcd"] + [record("other", backend="aer")])
    assert ledger.spent("qpu") == 0.0
    ledger.submitted("a", "1")
    ledger.submitting("b")
    ledger.ended("c", "FAILED")
    ledger.submitted("other", "2")
    assert ledger.spent("qpu") == 6.0
    ledger.ended("a", "DONE", used=10.0)
    assert ledger.spent("qpu") == 13.0
    assert ledger.spent("qpu", besides={"b"}) == 10.0


def test_requests_of_the_last_minute():
    ledger = Ledger()
    ledger.add([record("a"), record("b")])
    ledger.submitting("a")
    assert len(ledger.sent_within("qpu", 60.0)) == 1
    assert ledger.sent_within("aer", 60.0) == []


def test_uids_are_never_the_same():
    assert len({new_uid() for _ in range(1000)}) == 1000
