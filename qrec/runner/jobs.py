"""Jobs: sent once, looked for where that is in doubt, collected by whoever asks."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from qrec.backends.base import Backend, Permit, Unit
from qrec.errors import (
    BusyError,
    ConfigError,
    MissingError,
    QrecError,
    RejectedError,
    UnknownJobError,
    UnknownOutcomeError,
)
from qrec.runner.pieces import problem_of
from qrec.runs.files import read_json, write, write_json, write_text
from qrec.runs.folder import RunFolder
from qrec.runs.jobs import PlannedJob
from qrec.runs.ledger import ENDED, JobRecord, Ledger
from qrec.runs.locks import Release, submit_lock
from qrec.runs.progress import Report, silent

_ATTEMPTS = 4  # requests for one job before the user is told to come back
_FIRST_WAIT_SECONDS = 1.0  # doubled from attempt to attempt, unless the service names a time
_MOST_WAIT_SECONDS = 300.0  # for a service that is busy; where it asks for more, come back later
# A service may list a job some time after it took it, so one look that finds none says little.
_WAITS_BETWEEN_LOOKS = (2.0, 4.0, 8.0, 15.0, 15.0)
GRACE_SECONDS = sum(_WAITS_BETWEEN_LOOKS)
_DOUBT_SECONDS = 3600.0  # as long is every fetch and status on the watch for a second job
_MINUTE = 60.0
sleep = time.sleep  # tests put their own clock here


class Waiting:
    """How whoever sends jobs waits: said aloud, and out of others' way where that may be."""

    def __init__(self, report: Report = silent, released: Release = nullcontext) -> None:
        self._report, self._released = report, released
        self._done, self._total = 0, 0  # jobs
        self.seconds = 0.0  # waited so far

    def at(self, doing: str, done: int, total: int) -> None:
        """Say where the sending is."""
        self._done, self._total = done, total
        self._report(doing, done, total)

    def __call__(self, seconds: float, why: str, in_doubt: bool = False) -> None:
        """Wait; others may send and cancel jobs meanwhile, unless one is `in_doubt`."""
        self._report(f"{why}: waiting {seconds:.0f} s", self._done, self._total, aloud=True)
        with nullcontext() if in_doubt else self._released():
            sleep(seconds)
        self.seconds += seconds


def submit_job(
    ledger: Ledger,
    backend: Backend,
    job: PlannedJob,
    run: str,
    units: Sequence[Unit],
    permit: Permit,
    wait: Waiting,
) -> None:
    """See that the backend has this job exactly once, whatever goes wrong in between.

    Raises RejectedError where the backend refuses it; BusyError and UnknownOutcomeError where
    it must be tried again later, by the same command; QrecError where it was cancelled while
    this waited.
    """
    uid, pause, failure = job.uid, _FIRST_WAIT_SECONDS, QrecError("never tried")
    for attempt in range(_ATTEMPTS):
        if attempt:
            wait(pause, str(failure), in_doubt=ledger.job(uid).unanswered > 0)
            pause *= 2
        if not _to_be_sent(ledger.job(uid)):
            return
        if ledger.job(uid).unanswered and _found(ledger, backend, uid, wait):
            return
        _throttle(ledger, backend, ledger.job(uid), wait)
        if not _to_be_sent(ledger.job(uid)):
            return
        ledger.submitting(uid, backend.self_test_executions)
        try:
            job_id = backend.send(units, uid, run, permit, job.qpu_seconds)
        except RejectedError as error:
            ledger.refused(uid, "FAILED", str(error))
            raise
        except MissingError as error:
            ledger.refused(uid, "PLANNED", str(error))
            raise
        except BusyError as error:
            ledger.refused(uid, "PLANNED", str(error))
            failure, pause = error, error.seconds or pause
            if pause > _MOST_WAIT_SECONDS:
                raise BusyError(f"{error}; it asks to come back in {pause:.0f} s", pause) from None
        except UnknownOutcomeError as error:
            failure = error
        else:
            ledger.submitted(uid, job_id)
            if ledger.job(uid).unanswered:  # an earlier request's job may come to light only now
                _look(ledger, backend, ledger.job(uid))
            return
    raise failure


def settle(ledger: Ledger, backend: Backend, uid: str, wanted: bool = True) -> None:
    """Look once for what became of requests that were never answered; send nothing.

    A job that is found is adopted; where its uid has ended, or is not `wanted` any more, it is a
    spare one and cancelled. What is not found stays in doubt. While another process is
    submitting, the doubt may be that process's own and is left to it.
    """
    if ledger.job(uid).unanswered and not backend.is_local:
        with submit_lock() as mine:
            if mine:
                settle_own(ledger, backend, uid, wanted)


def settle_own(ledger: Ledger, backend: Backend, uid: str, wanted: bool = True) -> None:
    """Do what `settle` does, for whoever holds the submitter's lock."""
    job = ledger.job(uid)
    if job.unanswered and not backend.is_local:
        _look(ledger, backend, job, wanted)


def reconcile(ledger: Ledger, backend: Backend, uid: str, wait: Waiting | None = None) -> bool:
    """Settle a doubt over the grace time: adopt the job if the backend has it, or plan it again.

    Where it is planned again, later looks still watch out for a job that comes to light.
    """
    if _found(ledger, backend, uid, wait or Waiting()):
        return True
    ledger.planned(uid)
    return False


def collect_job(
    ledger: Ledger, backend: Backend, folder: RunFolder, job: PlannedJob, submitting: bool = False
) -> str:
    """Ask for a submitted job, store its result if it has one, and return its state.

    With `submitting`, for whoever holds the submitter's lock, a job that was lost with its
    process is planned again. Raises UnknownOutcomeError for a result that does not answer what
    was asked: it is kept beside where results are, and the job stays as it is.
    """
    uid, job_id = job.uid, str(ledger.job(job.uid).job_id)
    stored = folder.has_payload(uid)
    if backend.is_local and not stored and backend.find(uid) is None:
        if not submitting:  # its process may be at work on it: `qrec submit` knows
            return "SUBMITTED"
        ledger.planned(uid, "its process ended before the result was stored", lost=True)
        return "PLANNED"
    try:
        state = "DONE" if stored else backend.poll(job_id)
        if state == "DONE" and not stored:
            _store(ledger, backend, folder, job, job_id)
    except UnknownJobError as error:
        if backend.find(uid) is not None:  # the service contradicts itself: ask again later
            raise
        ledger.ended(uid, "FAILED", f"it is lost: {error}")
        return "FAILED"
    if state in ("FAILED", "CANCELLED"):
        used = usage(backend, job_id, folder, uid)
        ledger.ended(uid, state, backend.reason(job_id), used)
    if state == "DONE":
        ledger.ended(uid, "DONE", used=usage(backend, job_id, folder, uid))
    return state


def adopt_stored(ledger: Ledger, backend: Backend, folder: RunFolder, job: PlannedJob) -> None:
    """Take a result that the folder holds for a job that this ledger does not know as sent."""
    known = ledger.job(job.uid)
    if known.state not in ("PLANNED", "SUBMITTING") or not folder.has_payload(job.uid):
        return
    if not problem_of(backend, job, folder.payload_path(job.uid).read_bytes()):
        path = _metrics_path(folder, job.uid)
        ledger.ended(
            job.uid, "DONE", used=used_seconds(read_json(path)) if path.is_file() else None
        )
        ledger.certain(job.uid)


def ask_usage(ledger: Ledger, backend: Backend, folder: RunFolder, uid: str) -> None:
    """Ask again what an ended job used, where that was not known when it ended."""
    job = ledger.job(uid)
    if job.state in ENDED and job.used_seconds is None and job.job_id and not backend.is_local:
        seconds = usage(backend, job.job_id, folder, uid)
        if seconds is not None:
            ledger.used(uid, seconds)


def usage(backend: Backend, job_id: str, folder: RunFolder, uid: str) -> float | None:
    """Store what the backend says of a job that ended; return the QPU seconds it used.

    None where that is not known, or not known for good: what was predicted counts until then.
    """
    try:
        metrics = backend.metrics(job_id)
    except RejectedError:
        return None
    if metrics:
        running = metrics.get("timestamps", {}).get("running")
        if running:
            metrics = metrics | {"snapshot": _snapshot(backend, running, folder)}
        write_json(_metrics_path(folder, uid), metrics)
    return used_seconds(metrics)


def _found(ledger: Ledger, backend: Backend, uid: str, wait: Waiting) -> bool:
    """Look for a job in doubt, several times over the grace time; return whether it is known."""
    for pause in (0.0, *_WAITS_BETWEEN_LOOKS):
        job = ledger.job(uid)
        if pause:
            age = wait.seconds if job.age is None else job.age
            if backend.is_local or age > GRACE_SECONDS:
                return False
            wait(pause, f"is job {uid} there? Its request was never answered", in_doubt=True)
        if _look(ledger, backend, job):
            return True
    return False


def _look(ledger: Ledger, backend: Backend, job: JobRecord, wanted: bool = True) -> bool:
    """Look once for a job that nobody knows of; return whether the uid has one known then."""
    found = backend.find(job.uid)
    if found is None or found == job.job_id:
        over = job.age is None or job.age > _DOUBT_SECONDS
        if over and job.state != "SUBMITTING" and not backend.is_local:
            ledger.certain(job.uid)
    elif job.state in ("DONE", "CANCELLED") or not wanted:
        backend.cancel(found)
        ledger.spare(job.uid, found)
    else:
        ledger.submitted(job.uid, found)
    return ledger.job(job.uid).job_id is not None


def _to_be_sent(job: JobRecord) -> bool:
    """Return whether a job has to be sent still, after others may have been at work.

    Raises QrecError where it was cancelled.
    """
    if job.state == "CANCELLED":
        raise QrecError(f"run {job.run} was cancelled meanwhile: nothing more was sent")
    return job.state in ("PLANNED", "SUBMITTING")


def _throttle(ledger: Ledger, backend: Backend, job: JobRecord, wait: Waiting) -> None:
    """Wait until the device's allowance of jobs per minute has room for one more."""
    most = backend.limits.jobs_per_minute
    if most is None:
        return
    recent = ledger.sent_within(backend.device, _MINUTE)
    if len(recent) >= most:
        # Of those that count, the oldest has to leave the last minute.
        left = _MINUTE - (time.time() - recent[-most].timestamp())
        said = f"{backend.name} takes {most} jobs a minute"
        wait(max(0.0, left), said, in_doubt=job.unanswered > 0)


def _store(
    ledger: Ledger, backend: Backend, folder: RunFolder, job: PlannedJob, job_id: str
) -> None:
    """Collect and store a result. Raises UnknownOutcomeError where it cannot be the answer."""
    payload = backend.collect(job_id)
    problem = problem_of(backend, job, payload)
    if not problem:
        write(folder.payload_path(job.uid), lambda file: file.write(payload))
        return
    kept = folder.payload_path(job.uid).with_name(f"{job.uid}.unusable")
    write(kept, lambda file: file.write(payload))
    said = f"job {job_id}: the result that came is not what was asked: {problem}"
    ledger.said(job.uid, said)
    raise UnknownOutcomeError(
        f"{said}; it is kept in {kept}. Fetch again; or give the job up and send it again with: "
        f"qrec submit --again {job_id}"
    )


def used_seconds(metrics: dict[str, Any]) -> float | None:
    """Return the QPU seconds that a job's metrics tell for good, if they do."""
    found = metrics.get("usage")
    if not isinstance(found, dict) or found.get("status", "final") != "final":
        return None
    seconds = found.get("qpu_charge_time_seconds")
    return None if seconds is None else float(seconds)


def _metrics_path(folder: RunFolder, uid: str) -> Path:
    return folder.payload_path(uid).with_name(f"{uid}.metrics.json")


def _snapshot(backend: Backend, running: str, folder: RunFolder) -> str | None:
    """Store the device as it was when a job ran, once for all jobs; return the file's name.

    Where the backend refuses to say, or no longer has the device, its answer stands in the
    name's place: a result needs neither.
    """
    try:
        found = backend.snapshot_at(running)
    except (RejectedError, ConfigError) as error:
        return str(error)
    if found is None:
        return None
    write_text(folder.path / found.file, found.text())
    return found.file
