"""Where the jobs of runs are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from qrec.backends.base import Backend, Standing
from qrec.backends.open import open_backend
from qrec.errors import ConfigError, QrecError
from qrec.experiments.base import Places
from qrec.runner.jobs import ask_usage, settle
from qrec.runner.load import opened, restore
from qrec.runs.folder import RunFolder, find_run, run_ids
from qrec.runs.jobs import read_jobs
from qrec.runs.ledger import ENDED, JobRecord, Ledger
from qrec.types import Row

IN_FLIGHT = ("SUBMITTING", "SUBMITTED")


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
    """Return the jobs of a run, or of all; those in flight are asked for, run by run at once."""
    ledger = Ledger()
    rows = []
    known = ledger.jobs(None if run is None else find_run(run).id)
    for of, group in groupby(known, key=lambda job: job.run):
        jobs = list(group)
        open_jobs = [job for job in jobs if _is_open(job)]
        found = _asked(ledger, of, open_jobs, places) if open_jobs else {}
        rows += [_row(ledger.job(job.uid), found.get(job.uid)) for job in jobs]
    return rows


def backends_of(
    run: str, jobs: Sequence[JobRecord], places: Places | None
) -> tuple[RunFolder | None, Mapping[str, Backend]]:
    """Return a run's folder and the backend of each of its jobs, by uid.

    Where the folder is gone or its jobs cannot be read, the entries of backends.yaml stand for
    its backends: to ask for a job takes its id and the account.
    """
    places = places or Places()
    try:
        if run not in run_ids():
            raise ConfigError(f"run {run}: its folder is gone")
        folder = find_run(run)
        experiment = restore(folder, places)
        asked = {job.entry: experiment.backend(job.backend) for job in read_jobs(folder)}
        return folder, {job.uid: asked[job.backend] for job in jobs}
    except ConfigError as error:
        opening = cache(lambda entry: open_backend(entry, file=places.backends_file))
        try:
            with opened(places):
                return None, {job.uid: opening(job.backend) for job in jobs}
        except ConfigError as other:
            raise ConfigError(f"{error}; and {other}") from None


def _asked(
    ledger: Ledger, run: str, jobs: Sequence[JobRecord], places: Places | None
) -> dict[str, Standing]:
    """Return how jobs in flight stand, by uid; what goes wrong stands in a reason's place."""
    try:
        folder, backends = backends_of(run, jobs, places)
        current = {job.uid for job in jobs if folder is None}
        current |= {job.uid for job in read_jobs(folder)} if folder else set()
    except QrecError as error:
        return {job.uid: Standing(job.state, str(error)) for job in jobs}
    listed: dict[Backend, Mapping[str, Standing] | QrecError] = {}
    found = {}
    for job in jobs:
        backend, wanted = backends[job.uid], job.uid in current
        if job.state not in IN_FLIGHT:
            found[job.uid] = _ended(ledger, backend, job, folder, wanted)
            continue
        if backend not in listed:
            listed[backend] = _listed(backend, run)
        found[job.uid] = _standing(ledger, backend, job, listed[backend])
    return found


def _is_open(job: JobRecord) -> bool:
    """Return whether there is something to be asked of a job."""
    usage_unknown = job.state in ENDED and job.used_seconds is None and job.job_id is not None
    return job.state in IN_FLIGHT or job.unanswered > 0 or usage_unknown


def _ended(
    ledger: Ledger, backend: Backend, job: JobRecord, folder: RunFolder | None, wanted: bool
) -> Standing:
    """Ask what is not known yet of a job that ended: what it used, and whether it is the only one.

    Return how it stands.
    """
    try:
        settle(ledger, backend, job.uid, wanted)
        if folder is not None:
            ask_usage(ledger, backend, folder, job.uid)
    except QrecError as error:
        return Standing(job.state, str(error))
    return Standing(ledger.job(job.uid).state, ledger.job(job.uid).message)


def _listed(backend: Backend, run: str) -> Mapping[str, Standing] | QrecError:
    try:
        return backend.standings(run)
    except QrecError as error:
        return error


def _standing(
    ledger: Ledger, backend: Backend, job: JobRecord, listed: Mapping[str, Standing] | QrecError
) -> Standing:
    if isinstance(listed, QrecError):
        return Standing(job.state, str(listed))
    try:
        settle(ledger, backend, job.uid)
        job_id = ledger.job(job.uid).job_id
        if job_id is None:
            return Standing(job.state, job.message)
        state, reason = listed.get(job_id) or Standing(backend.poll(job_id), "")
        if state in ("FAILED", "CANCELLED") and not reason:
            reason = backend.reason(job_id)
        return Standing(state, reason)
    except QrecError as error:
        return Standing(job.state, str(error))


def _row(job: JobRecord, standing: Standing | None) -> JobRow:
    standing = standing or Standing(job.state, job.message)
    return JobRow(
        run=job.run,
        backend=job.backend,
        job=job.job_id,
        state=standing.state,
        executions=job.executions,
        qpu_seconds=job.qpu_seconds,
        used_seconds=job.used_seconds,
        message=standing.reason,
    )
