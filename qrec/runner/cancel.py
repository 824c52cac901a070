"""Ending jobs: what is said to have ended has."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby

from qrec.backends.base import Backend
from qrec.errors import (
    ConfigError,
    MissingError,
    NotFinishedError,
    QrecError,
    UnknownJobError,
    UnknownOutcomeError,
)
from qrec.experiments.base import Places
from qrec.runner import jobs as sending
from qrec.runner.fetch import submitted_jobs
from qrec.runner.jobs import reconcile, usage, used_seconds
from qrec.runner.status import IN_FLIGHT, backends_of
from qrec.runs.folder import RunFolder, find_run
from qrec.runs.ledger import JobRecord, Ledger
from qrec.runs.locks import only_fetcher, only_submitter

_ENDED = ("DONE", "FAILED", "CANCELLED")
_QUESTIONS = 2  # times that a job is asked to end; each may take as long as a read
_WAITS = (0.0, 1.0, 2.0, 4.0, 8.0)  # before each look at a job that was asked to end


@dataclass
class Cancelled:
    """What became of jobs that were to end."""

    jobs: list[JobRecord] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # which may run on, and why

    @property
    def said(self) -> str:
        """How many jobs are cancelled."""
        done = sum(job.state == "CANCELLED" for job in self.jobs)
        return f"{done} of {len(self.jobs)} jobs are cancelled"

    def check(self) -> "Cancelled":
        """Raise NotFinishedError where a job may run on."""
        if self.left:
            raise NotFinishedError(
                f"{self.said}; may run on: {'; '.join(self.left)}. Give the same command again"
            )
        return self


def cancel(run: str, places: Places | None = None) -> Cancelled:
    """Cancel the jobs of a run that have not ended; return all of them as they are then.

    Raises NotFinishedError that names the jobs which may run on, MissingError for an account
    that is not accepted, ConfigError where there is no such run.
    """
    try:
        folder = find_run(run)
    except ConfigError as error:
        raise ConfigError(
            f"{error}; jobs of a run whose folder is gone end by `qrec cancel --job ID`, or --all"
        ) from None
    with only_submitter():
        ledger = Ledger()
        submitted_jobs(folder, ledger)
        done = _cancel(ledger, ledger.jobs(folder.id), places).check()
        ledger.give_up(folder.id)
        return done


def cancel_all(places: Places | None = None) -> Cancelled:
    """Cancel every job of the ledger that is in flight; raises as `cancel` does."""
    with only_submitter():
        ledger = Ledger()
        return _cancel(ledger, _in_flight(ledger.jobs()), places).check()


def cancel_job(job_id: str, confirm: Callable[[str], None], places: Places | None) -> Cancelled:
    """Cancel one job, of the ledger or else of the account of IBM Quantum.

    One that the ledger does not hold is somebody's: `confirm` is called with what the service
    says of it, and may raise to refuse. Raises as `cancel` does, and UnknownJobError.
    """
    with only_submitter():
        ledger = Ledger()
        known = [job for job in ledger.jobs() if job_id in (job.job_id, job.uid)]
        if known:
            return _cancel(ledger, known, places).check()
    from qrec.backends.ibm.foreign import ForeignJob

    job = ForeignJob(job_id)
    confirm(f"job {job_id} is not in this ledger: {job.described()}")
    return Cancelled(left=_ended(job.cancel, job.state, job_id)[1]).check()


def _in_flight(jobs: Iterable[JobRecord]) -> list[JobRecord]:
    return [job for job in jobs if job.state in IN_FLIGHT]


def _cancel(ledger: Ledger, jobs: list[JobRecord], places: Places | None) -> Cancelled:
    """Cancel those of the jobs that have not ended, run by run."""
    done = Cancelled()
    for run, group in groupby(sorted(jobs, key=lambda job: job.run), key=lambda job: job.run):
        of = list(group)
        uids = [job.uid for job in of if job.state not in _ENDED]
        try:
            folder, backends = backends_of(run, of, places) if uids else (None, {})
        except ConfigError as error:
            done.left.append(f"run {run}: {error}")
            continue
        with ExitStack() as locks:
            if folder is not None:
                locks.enter_context(only_fetcher(folder))
            for uid in uids:
                done.left += _cancel_one(ledger, backends[uid], ledger.job(uid), folder)
        done.jobs += [ledger.job(job.uid) for job in of]
    return done


def _cancel_one(
    ledger: Ledger, backend: Backend, job: JobRecord, folder: RunFolder | None
) -> list[str]:
    """See that a job ends; return what may run on, and why."""
    try:
        if job.state == "SUBMITTING":
            reconcile(ledger, backend, job.uid)
            job = ledger.job(job.uid)
        if job.state == "SUBMITTING":
            return [f"{job.uid} (in doubt: its request was never answered)"]
        if job.state == "PLANNED":
            ledger.ended(job.uid, "CANCELLED", used=0.0)
        if job.state == "SUBMITTED":
            return _cancel_sent(ledger, backend, job, folder)
    except MissingError:
        raise
    except QrecError as error:
        return [f"{job.job_id or job.uid} ({error})"]
    return []


def _cancel_sent(
    ledger: Ledger, backend: Backend, job: JobRecord, folder: RunFolder | None
) -> list[str]:
    job_id = str(job.job_id)
    try:
        state, left = _ended(lambda: backend.cancel(job_id), lambda: backend.poll(job_id), job_id)
    except UnknownJobError as error:
        ledger.ended(job.uid, "FAILED", str(error))
        return []
    if state in ("CANCELLED", "FAILED"):
        used = usage(backend, job_id, folder, job.uid) if folder else _used(backend, job_id)
        ledger.ended(job.uid, state, backend.reason(job_id), used)
    return left


def _ended(cancel: Callable[[], None], poll: Callable[[], str], name: str) -> tuple[str, list[str]]:
    """Ask for a job to end until it has; return its state, and what is left.

    Only the state says that it has: an answer to the question may be lost, or mean nothing.
    """
    state = "UNKNOWN"
    problem: QrecError | None = None
    for look, wait in enumerate(_WAITS):
        sending.sleep(wait)
        if look == 0 or (problem and look < _QUESTIONS):
            problem = _asked(cancel)
        try:
            state = poll()
        except UnknownOutcomeError as error:
            raise (problem or error) from None
        if state in _ENDED:
            return state, []
    return state, [f"{name} ({state}{f', {problem}' if problem else ''})"]


def _asked(cancel: Callable[[], None]) -> QrecError | None:
    """Ask for a job to end; return what leaves it open whether that was heard."""
    try:
        cancel()
    except UnknownOutcomeError as error:
        return error
    return None


def _used(backend: Backend, job_id: str) -> float | None:
    return used_seconds(backend.metrics(job_id))
