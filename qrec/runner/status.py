"""Where the jobs of runs are, and ending them."""

from dataclasses import dataclass
from functools import cache, partial

from qrec.backends.base import Backend
from qrec.errors import QrecError
from qrec.experiments.base import Places
from qrec.runner.fetch import submitted_jobs
from qrec.runner.jobs import reconcile, settle, usage
from qrec.runner.load import restore
from qrec.runs.folder import RunFolder, find_run
from qrec.runs.jobs import read_jobs
from qrec.runs.ledger import JobRecord, Ledger
from qrec.runs.locks import only_fetcher, only_submitter
from qrec.types import Row


@dataclass(frozen=True, kw_only=True)
class JobRow(Row):
    """How one job stands."""

    run: str
    backend: str
    job: str | None
    state: str
    executions: int
    qpu_seconds: float
    used_seconds: float | None
    message: str


def states(run: str | None, places: Places | None = None) -> list[JobRow]:
    """Return the jobs of a run, or of all; those in flight are asked for."""
    ledger, backends = Ledger(), cache(partial(_backends, places))
    rows = []
    for known in ledger.jobs(None if run is None else find_run(run).id):
        job, state, message = known, known.state, known.message
        if state in ("SUBMITTING", "SUBMITTED"):
            try:
                backend = backends(job.run)[job.uid]
                settle(ledger, backend, job.uid)
                job = ledger.job(job.uid)
                state = job.state if job.job_id is None else backend.poll(job.job_id)
            except QrecError as error:
                message = str(error)
        rows.append(
            JobRow(
                run=job.run,
                backend=job.backend,
                job=job.job_id,
                state=state,
                executions=job.executions,
                qpu_seconds=job.qpu_seconds,
                used_seconds=job.used_seconds,
                message=message,
            )
        )
    return rows


def cancel(run: str, places: Places | None = None) -> list[JobRecord]:
    """Cancel the jobs of a run that have not ended; return all of them as they are then."""
    folder = find_run(run)
    with only_submitter(), only_fetcher(folder):
        experiment, ledger, problem = restore(folder, places), Ledger(), None
        for job in submitted_jobs(folder, ledger):
            try:
                _cancel(ledger, experiment.backend(job.backend), ledger.job(job.uid), folder)
            except QrecError as error:
                problem = error
        if problem is not None:
            raise problem
        return ledger.jobs(folder.id)


def _backends(places: Places | None, run: str) -> dict[str, Backend]:
    """Return the backend of each job of a run, by the job's uid."""
    folder = find_run(run)
    experiment = restore(folder, places)
    return {job.uid: experiment.backend(job.backend) for job in read_jobs(folder)}


def _cancel(ledger: Ledger, backend: Backend, job: JobRecord, folder: RunFolder) -> None:
    if job.state == "SUBMITTING":
        reconcile(ledger, backend, job.uid)
        job = ledger.job(job.uid)
    if job.state == "PLANNED":
        ledger.ended(job.uid, "CANCELLED", used=0.0)
    if job.state == "SUBMITTED":
        assert job.job_id is not None
        backend.cancel(job.job_id)
        if (state := backend.poll(job.job_id)) in ("CANCELLED", "FAILED"):
            used = usage(backend, job.job_id, folder, job.uid)
            ledger.ended(job.uid, state, backend.reason(job.job_id), used)
