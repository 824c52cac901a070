"""Giving a run a job that is known by its id alone."""

from qrec.backends.kinds.ibm import IbmBackend
from qrec.errors import ConfigError
from qrec.experiments.base import Places
from qrec.runner.fetch import submitted_jobs
from qrec.runner.load import restore
from qrec.runs.folder import RunFolder, find_run
from qrec.runs.jobs import PlannedJob
from qrec.runs.ledger import JobRecord, Ledger
from qrec.runs.locks import only_submitter


def attach(run: str, job_id: str, places: Places) -> JobRecord:
    """Enter a job of IBM Quantum as the one that was sent for a run; return it.

    For what no listing shows any more. Its tags say which of the run's jobs it is; what it was
    sent with must be as many PUBs. Raises ConfigError where it is none of them, or where
    another job stands in its place, UnknownJobError where the service does not know it.
    """
    folder = find_run(run)
    with only_submitter():
        ledger = Ledger()
        jobs = {job.uid: job for job in submitted_jobs(folder, ledger)}
        experiment = restore(folder, places)
        for name in dict.fromkeys(job.backend for job in jobs.values()):
            backend = experiment.backend(name)
            if isinstance(backend, IbmBackend):
                return _attach(ledger, backend, job_id, jobs, folder)
    raise ConfigError(f"run {folder.id} has no job of a backend of kind ibm")


def _attach(
    ledger: Ledger,
    backend: IbmBackend,
    job_id: str,
    jobs: dict[str, PlannedJob],
    folder: RunFolder,
) -> JobRecord:
    sent = backend.sent(job_id)
    uids = [tag for tag in sent.tags if tag in jobs]
    if len(uids) != 1:
        raise ConfigError(
            f"job {job_id} carries the tags {', '.join(sent.tags) or '(none)'}; expected that of "
            f"a job of run {folder.id}: {', '.join(jobs)}"
        )
    [uid] = uids
    expected, record = len(jobs[uid].parts), ledger.job(uid)
    if sent.n_pubs != expected:
        raise ConfigError(f"job {job_id} has {sent.n_pubs} PUBs; expected the {expected} of {uid}")
    if record.state == "DONE" or record.job_id not in (None, job_id):
        raise ConfigError(f"run {folder.id}: in its place is {record.job_id}, {record.state}")
    ledger.submitted(uid, job_id)
    return ledger.job(uid)
