"""Detached runs: submitted now, fetched by another process, then finished like any other."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from qrec.backends.base import Backend, Permit
from qrec.errors import ConfigError, NotFinishedError, QrecError
from qrec.experiments._asking import store_results
from qrec.experiments._base import BaseExperiment, Places
from qrec.experiments._cost import Plan, Row, check_budget
from qrec.experiments._load import restore_experiment
from qrec.experiments._run import Run, begin, finish
from qrec.experiments.comparison import Comparison
from qrec.runs.folder import (
    RunFolder,
    find_run,
    planning_place,
    publish,
    run_ids,
    run_suffix,
)
from qrec.runs.jobs import (
    PlannedJob,
    assemble,
    collect_job,
    plan_jobs,
    read_jobs,
    reconcile,
    records,
    renewed,
    settle,
    submit_job,
    units_of,
    write_jobs,
)
from qrec.runs.ledger import JobRecord, Ledger
from qrec.runs.locks import only_fetcher, only_submitter
from qrec.runs.progress import Report


def detachable(experiment: BaseExperiment) -> Comparison:
    """Return the experiment if it can be submitted. Raises ConfigError if not."""
    if not isinstance(experiment, Comparison):
        raise ConfigError(
            f"experiment {experiment.spec.name!r} is of kind {experiment.spec.kind!r}; only "
            "comparisons can be submitted, others need every answer before the next question"
        )
    if not experiment.spec.needs_backend:
        raise ConfigError(f"experiment {experiment.spec.name!r} has no quantum recommender")
    return experiment


def dry_plan(experiment: Comparison, parent: Path, report: Report) -> Plan:
    """Plan a run in the folder `parent`, which the caller throws away."""
    return _plan(experiment, begin(experiment, parent), report)


def submit(
    experiment: Comparison,
    confirm: Callable[[Plan], None],
    max_qpu_seconds: float | None,
    report: Report,
) -> Plan:
    """Send every job of a run exactly once; return what was sent.

    A run of the same experiment on the same backends that is not finished is taken up where
    it stopped, so that the same command again sends what is missing and nothing else. Before
    anything is sent, `confirm` is called with the plan and may raise to refuse.
    """
    with only_submitter(), planning_place() as place:
        ledger = Ledger()
        started = _unfinished(experiment, ledger)
        plan = _plan(experiment, started or begin(experiment, place), report)
        plan = _renew_failed(plan, ledger)
        check_budget(plan, max_qpu_seconds)
        if any(job.state in ("PLANNED", "FAILED") for job in _records(plan, ledger)):
            confirm(plan)
        write_jobs(plan.folder, plan.jobs)
        if started is None:
            plan = replace(plan, folder=publish(plan.folder))
        ledger.add(records(plan.folder.id, plan.jobs))
        _send(plan, ledger, report, Permit(frozenset(job.uid for job in plan.jobs)))
    return plan


def states(run: str | None) -> list[Row]:
    """Return the jobs of a run, or of all; those in flight are asked for."""
    ledger, opened = Ledger(), cache(lambda run: _restored(find_run(run)))
    rows = []
    for known in ledger.jobs(None if run is None else find_run(run).id):
        job, state, message = known, known.state, known.message
        if state in ("SUBMITTING", "SUBMITTED"):
            try:
                backend = opened(job.run).backend(job.backend)
                settle(ledger, backend, job.uid)
                job = ledger.job(job.uid)
                state = job.state if job.job_id is None else backend.poll(job.job_id)
            except QrecError as error:
                message = str(error)
        rows.append(
            {"run": job.run, "backend": job.backend, "job": job.job_id, "state": state,
             "executions": job.executions, "qpu_seconds": job.qpu_seconds,
             "used_seconds": job.used_seconds, "message": message}
        )  # fmt: skip
    return rows


def waiting_runs() -> list[str]:
    """Return the ids of the submitted runs that are not finished, oldest first."""
    submitted = {job.run for job in Ledger().jobs() if job.state != "CANCELLED"}
    return [run for run in run_ids() if run in submitted and not find_run(run).finished]


def fetch(run: str, places: Places, report: Report) -> Run:
    """Collect what is done and, when nothing is missing, finish the run.

    Raises NotFinishedError while jobs are under way, QrecError where one has failed.
    """
    folder = find_run(run)
    with only_fetcher(folder):
        experiment = _restored(folder, places)
        jobs, ledger = _submitted(folder), Ledger()
        problems = [
            problem for job in jobs if (problem := _collected(ledger, experiment, folder, job.uid))
        ]
        found = [ledger.job(job.uid) for job in jobs]
        if any(job.state != "DONE" for job in found):
            raise _not_done(folder, found, problems)
        _write_raws(folder, jobs, experiment)
        return finish(folder, experiment, report)


def cancel(run: str) -> list[JobRecord]:
    """Cancel the jobs of a run that have not ended; return all of them as they are then."""
    folder = find_run(run)
    with only_submitter(), only_fetcher(folder):
        experiment, ledger, problem = _restored(folder), Ledger(), None
        for job in _submitted(folder):
            try:
                _cancel(ledger, experiment.backend(job.backend), ledger.job(job.uid))
            except QrecError as error:
                problem = error
        if problem is not None:
            raise problem
        return ledger.jobs(folder.id)


def replay(run: str, places: Places, report: Report) -> Run:
    """Make samples, table and report again from the raw results; no backend is asked.

    Raises NotFinishedError where raw results are missing.
    """
    folder = find_run(run)
    experiment = _restored(folder, places)
    if jobs := read_jobs(folder):
        missing = [job.uid for job in jobs if not folder.has_payload(job.uid)]
        if missing:
            raise NotFinishedError(
                f"run {folder.id}: {len(missing)} of {len(jobs)} results are not here yet; "
                f"get them with: qrec fetch {folder.id}"
            )
        _write_raws(folder, jobs, experiment)
    folder.forget_results()
    return finish(folder, experiment, report)


def _plan(experiment: Comparison, folder: RunFolder, report: Report) -> Plan:
    tasks = experiment.units(folder, report)
    jobs = read_jobs(folder) or [
        job for name, of in tasks.items() for job in plan_jobs(experiment.backend(name), of)
    ]
    return Plan(experiment, folder, tasks, jobs)


def _renew_failed(plan: Plan, ledger: Ledger) -> Plan:
    failed = {job.uid for job in ledger.jobs(plan.folder.id) if job.state == "FAILED"}
    jobs = [renewed(job) if job.uid in failed else job for job in plan.jobs]
    return Plan(plan.experiment, plan.folder, plan.tasks, jobs)


def _records(plan: Plan, ledger: Ledger) -> list[JobRecord]:
    """Return the plan's jobs as the ledger has them, or would have them."""
    known = {job.uid: job for job in ledger.jobs(plan.folder.id)}
    return [known.get(job.uid, job) for job in records(plan.folder.id, plan.jobs)]


def _send(plan: Plan, ledger: Ledger, report: Report, permit: Permit) -> None:
    used = []
    for number, job in enumerate(plan.jobs):
        backend = plan.experiment.backend(job.backend)
        report(f"job {number + 1} of {len(plan.jobs)}", number, len(plan.jobs))
        if ledger.job(job.uid).state in ("PLANNED", "SUBMITTING"):
            units = units_of(job, plan.tasks[job.backend])
            submit_job(ledger, backend, job.uid, plan.folder.id, units, permit)
            used.append(backend)
        if backend.is_local and ledger.job(job.uid).state == "SUBMITTED":
            collect_job(ledger, backend, plan.folder, job.uid)
    for backend in dict.fromkeys(used):
        backend.close()


def _unfinished(experiment: Comparison, ledger: Ledger) -> RunFolder | None:
    """Return the newest submitted run of this experiment that waits to be finished."""
    suffix = f"_{run_suffix(experiment.spec)}"
    for run in reversed([run for run in run_ids() if run.endswith(suffix)]):
        folder = find_run(run)
        cancelled = any(job.state == "CANCELLED" for job in ledger.jobs(run))
        recorded = folder.record().details["backends"]
        same = all(
            entry["spec"] == experiment.backend(name).spec.model_dump(mode="json")
            for name, entry in recorded.items()
        )
        if read_jobs(folder) and not folder.finished and not cancelled and same:
            return folder
    return None


def _collected(ledger: Ledger, experiment: Comparison, folder: RunFolder, uid: str) -> str:
    """Collect one job; return what went wrong, if anything did: the others do not wait for it."""
    backend = experiment.backend(ledger.job(uid).backend)
    try:
        settle(ledger, backend, uid)
        if ledger.job(uid).state == "SUBMITTED":
            collect_job(ledger, backend, folder, uid)
    except QrecError as error:
        return str(error)
    return ""


def _cancel(ledger: Ledger, backend: Backend, job: JobRecord) -> None:
    if job.state == "SUBMITTING":
        reconcile(ledger, backend, job.uid)
        job = ledger.job(job.uid)
    if job.state == "PLANNED":
        ledger.ended(job.uid, "CANCELLED", used=0.0)
    if job.state == "SUBMITTED":
        assert job.job_id is not None
        backend.cancel(job.job_id)
        if (state := backend.poll(job.job_id)) in ("CANCELLED", "FAILED"):
            ledger.ended(job.uid, state, backend.reason(job.job_id))


def _restored(folder: RunFolder, places: Places | None = None) -> Comparison:
    experiment = detachable(restore_experiment(folder.spec(), places))
    experiment.use_recorded(folder)
    return experiment


def _submitted(folder: RunFolder) -> list[PlannedJob]:
    if jobs := read_jobs(folder):
        Ledger().add(records(folder.id, jobs))  # killed between the two: enter them now
        return jobs
    raise ConfigError(f"run {folder.id} was not submitted: it has no jobs")


def _write_raws(folder: RunFolder, jobs: Sequence[PlannedJob], experiment: Comparison) -> None:
    for task, raws in assemble(folder, jobs, experiment.backend).items():
        store_results(task, raws, folder)


def _not_done(folder: RunFolder, jobs: Sequence[JobRecord], problems: Sequence[str]) -> QrecError:
    counts = {state: sum(j.state == state for j in jobs) for state in {j.state for j in jobs}}
    said = ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
    text = f"run {folder.id}: {said}"
    ended = [job for job in jobs if job.state in ("FAILED", "CANCELLED")]
    for job in ended:
        text += f"; job {job.job_id or job.uid}: {job.message or job.state.lower()}"
    if ended:
        return QrecError(f"{text}; `qrec submit` of the same experiment sends failed ones again")
    if counts.get("PLANNED", 0) + counts.get("SUBMITTING", 0):
        text += "; some have not arrived: give the same `qrec submit` again"
    return NotFinishedError("; ".join([text, *problems]))
