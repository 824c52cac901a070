"""Collecting what jobs gave, and driving a run on with it."""

from collections.abc import Sequence

from qrec.backends.base import Backend
from qrec.errors import ConfigError, NotFinishedError, QrecError
from qrec.experiments.base import Places
from qrec.runner.asking import ByJobs
from qrec.runner.drive import Work, drive
from qrec.runner.jobs import adopt_stored, ask_usage, collect_job, settle, settle_own
from qrec.runner.load import restore
from qrec.runner.pieces import assemble
from qrec.runner.run import Run, conclude
from qrec.runs.answers import Answers
from qrec.runs.folder import RunFolder, find_run, run_ids
from qrec.runs.jobs import PlannedJob, read_jobs, records
from qrec.runs.ledger import JobRecord, Ledger
from qrec.runs.locks import only_fetcher, only_worker
from qrec.runs.progress import Report


def waiting_runs() -> list[str]:
    """Return the ids of the submitted runs that are neither finished nor given up, oldest first."""
    ledger = Ledger()
    submitted = {job.run for job in ledger.jobs()} - ledger.given_up()
    return [run for run in run_ids() if run in submitted and not find_run(run).finished]


def fetch(run: str, places: Places, report: Report) -> Run:
    """Collect what is done, drive the run on and, when nothing is asked any more, finish it.

    Raises NotFinishedError while jobs are under way or more must be sent, QrecError where one
    has failed.
    """
    folder = find_run(run)
    with only_fetcher(folder):
        experiment, ledger = restore(folder, places), Ledger()
        jobs = submitted_jobs(folder, ledger)
        work = Work(experiment, folder, ByJobs())
        problems = collect_all(ledger, work)
        found = [ledger.job(job.uid) for job in jobs]
        with only_worker(folder):
            experiment.check_same(folder.record().details)
            waiting = [] if folder.finished else drive(work, report)
            if not waiting:
                return conclude(folder, experiment)
        if any(job.state != "DONE" for job in found):
            raise not_done(folder, found, problems)
        raise NotFinishedError(
            f"run {folder.id}: {len(jobs)} jobs are done, and the answers raise new questions; "
            f"send them with: qrec submit --resume {folder.id}"
        )


def collect_all(ledger: Ledger, work: Work, submitting: bool = False) -> list[str]:
    """Collect the jobs of a run that are done and store the answers that are complete.

    Doubts are looked into, and what a job used is asked for where that was not known before.
    Returns what went wrong, if anything did: one job does not wait for another. `submitting` is
    for whoever holds the submitter's lock.
    """
    jobs = read_jobs(work.folder)
    wanted = {job.uid: job for job in jobs}  # without those in whose place others came
    backends = {job.entry: work.experiment.backend(job.backend) for job in jobs}
    problems = []
    for known in ledger.jobs(work.folder.id):
        backend, job = backends[known.backend], wanted.get(known.uid)
        try:
            _look_after(ledger, backend, work.folder, known.uid, job, submitting)
        except QrecError as error:
            problems.append(str(error))
    store_answers(work, jobs, ledger)
    return problems


def store_answers(work: Work, jobs: Sequence[PlannedJob], ledger: Ledger) -> None:
    """Write the answers to the questions all of whose parts have come."""
    known = {job.uid: job.state for job in ledger.jobs(work.folder.id)}
    done = {job.uid for job in jobs if known.get(job.uid) == "DONE"}
    new = [
        job
        for job in jobs
        if not all(Answers(work.folder.path, p.step).has(p.question) for p in job.parts)
    ]
    for (step, number), raws in assemble(work.folder, new, work.experiment.backend, done).items():
        answers = Answers(work.folder.path, step)
        asked = answers.asked(number)
        if asked is None:
            raise ConfigError(f"{work.folder.path}: question {number} of step {step} is not stored")
        if not answers.has(number):
            answers.write(number, asked, raws)


def submitted_jobs(folder: RunFolder, ledger: Ledger) -> list[PlannedJob]:
    """Return the jobs of a run. Raises ConfigError for one that was not submitted.

    Those that the ledger lacks are entered as in doubt: the folder may come from another
    machine, or the ledger be lost.
    """
    if jobs := read_jobs(folder):
        ledger.add(records(folder.id, jobs), in_doubt=True)
        return jobs
    raise ConfigError(f"run {folder.id} was not submitted: it has no jobs")


def not_done(folder: RunFolder, jobs: Sequence[JobRecord], problems: Sequence[str]) -> QrecError:
    """Return the error that says how the jobs of a run stand."""
    counts = {state: sum(j.state == state for j in jobs) for state in {j.state for j in jobs}}
    said = ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
    text = f"run {folder.id}: {said}"
    ended = [job for job in jobs if job.state in ("FAILED", "CANCELLED")]
    for job in ended:
        text += f"; job {job.job_id or job.uid}: {job.message or job.state.lower()}"
    if ended:
        return QrecError(f"{text}; send these again with: qrec submit --resume {folder.id}")
    if counts.get("PLANNED", 0) + counts.get("SUBMITTING", 0):
        text += "; some have not arrived: give the same `qrec submit` again"
    return NotFinishedError("; ".join([text, *problems]))


def _look_after(
    ledger: Ledger,
    backend: Backend,
    folder: RunFolder,
    uid: str,
    job: PlannedJob | None,
    submitting: bool,
) -> None:
    """Do for one uid what is to be done; `job` is None where another came in its place."""
    if job is not None:
        adopt_stored(ledger, backend, folder, job)
    look = settle_own if submitting else settle
    look(ledger, backend, uid, wanted=job is not None)
    if job is not None and ledger.job(uid).state == "SUBMITTED":
        collect_job(ledger, backend, folder, job, submitting)
    ask_usage(ledger, backend, folder, uid)
