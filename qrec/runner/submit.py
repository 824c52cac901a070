"""Sending what a run asks as jobs, round by round; the only place where permits are made."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qrec.backends.base import Permit
from qrec.errors import ConfigError
from qrec.experiments.base import Experiment, Places
from qrec.runner import jobs as sending
from qrec.runner.asking import ByJobs, Unanswered
from qrec.runner.budget import Open, Round, check_budget, plan_round
from qrec.runner.drive import Work, drive
from qrec.runner.fetch import collect_all, not_done, submitted_jobs
from qrec.runner.jobs import collect_job, submit_job, units_of
from qrec.runner.load import restore
from qrec.runner.run import begin
from qrec.runs.folder import RunFolder, find_run, planning_place, publish, run_ids, run_suffix
from qrec.runs.jobs import Key, PlannedJob, read_jobs, read_rounds, records, write_round
from qrec.runs.ledger import JobRecord, Ledger
from qrec.runs.locks import only_fetcher, only_submitter, only_worker
from qrec.runs.progress import Report

POLL_SECONDS = 10.0  # between two looks at jobs that are waited for
Confirm = Callable[[Round], None]


def dry_round(experiment: Experiment, parent: Path, report: Report) -> Round:
    """Plan the first round of a run in the folder `parent`, which the caller throws away.

    Raises ConfigError for an experiment that has nothing to send.
    """
    _check_asks(experiment)
    work = Work(experiment, begin(experiment, parent), ByJobs())
    return plan_round(work, drive(work, report), [])


def submit(
    experiment: Experiment, confirm: Confirm, max_qpu_seconds: float | None, report: Report
) -> "Sent":
    """Send every job that a run needs now exactly once; return the run and what was sent.

    A run of the same experiment on the same backends that is not finished is taken up where it
    stopped, so that the same command again sends what is missing and nothing else. Before
    anything is sent, `confirm` is called with the round and may raise to refuse. Rounds whose
    backends answer in this process follow each other until none is left. Raises ConfigError for
    an experiment that has nothing to send.
    """
    _check_asks(experiment)
    with only_submitter(), planning_place() as place:
        started = _unfinished(experiment, Ledger())
        folder = started or begin(experiment, place)
        experiment = experiment if started is None else restore(folder, experiment.places)
        work = Work(experiment, folder, ByJobs())
        return _rounds(work, confirm, max_qpu_seconds, report, published=started is not None)


def resubmit(
    run: str, places: Places, confirm: Confirm, max_qpu_seconds: float | None, report: Report
) -> "Sent":
    """Send what a submitted run needs next, whatever of it has come by now; see `submit`.

    Jobs that failed or were cancelled are sent again.
    """
    folder = find_run(run)
    submitted_jobs(folder, Ledger())
    with only_submitter():
        work = Work(restore(folder, places), folder, ByJobs())
        return _rounds(work, confirm, max_qpu_seconds, report, renew=("FAILED", "CANCELLED"))


def follow(sent: "Sent", max_qpu_seconds: float | None, report: Report) -> None:
    """Stay with a submitted run, round after round, until it has no more questions.

    Every round is checked against the budget, which the user agreed to; all are sent in one
    batch of the service. Raises QrecError where a job failed, ConfigError where the budget is
    used up: the run can be taken up later.
    """
    work = sent.work
    try:
        while not work.finished:
            found = _wait(work, report)
            if any(job.state != "DONE" for job in found):
                raise not_done(work.folder, found, [])
            with only_submitter(wait=True):
                _rounds(work, lambda _: None, max_qpu_seconds, report)
    finally:
        _close(work)


@dataclass(frozen=True, eq=False)
class Sent:
    """A submitted run and the rounds that were sent."""

    work: Work
    rounds: list[Round]
    problems: list[str]  # with collecting what earlier rounds gave

    def close(self) -> None:
        """Say that no more jobs follow."""
        _close(self.work)


def _check_asks(experiment: Experiment) -> None:
    """Raise ConfigError where nothing is asked that takes shots: no job would be sent."""
    backends = experiment.backends()
    if all(backend.answers_at_once for backend in backends.values()):
        found = f"only {', '.join(backends)}, which give exact values" if backends else "none"
        raise ConfigError(
            f"experiment {experiment.spec.name!r} asks no backend that takes shots: {found}; "
            "`qrec run` does it here, and -b names another"
        )


def _rounds(
    work: Work,
    confirm: Confirm,
    max_qpu_seconds: float | None,
    report: Report,
    published: bool = True,
    renew: Collection[str] = ("FAILED",),
) -> Sent:
    """Send rounds until one has to be waited for, or nothing is asked any more.

    Jobs in the states `renew` are sent again.
    """
    ledger, sent, problems = Ledger(), list[Round](), list[str]()
    while True:
        if published:
            ledger.add(records(work.folder.id, read_jobs(work.folder)))
            with only_fetcher(work.folder):
                problems = collect_all(ledger, work, submitting=True)
        with only_worker(work.folder):
            waiting = drive(work, report)
        states = {job.uid: job.state for job in ledger.jobs(work.folder.id)}
        before = read_rounds(work.folder)
        rounds, questions = _planned(work, waiting, before, states, renew)
        asked = {(one.step, one.number) for one in waiting}
        jobs = [job for of in rounds for job in of if _is_open(job, asked, states)]
        planned = Round(work, questions, jobs)
        if jobs:
            check_budget(planned, max_qpu_seconds)
            if any(states.get(job.uid) in (None, "PLANNED") for job in jobs):
                confirm(planned)
        for number, of in enumerate(rounds):
            if [of] != before[number : number + 1]:
                write_round(work.folder, number, of)
        if not published:
            work, published = Work(work.experiment, publish(work.folder), work.mode), True
            planned = Round(work, questions, jobs)
        if not jobs:
            return Sent(work, sent, problems)
        ledger.add(records(work.folder.id, jobs))
        sent.append(planned)
        _send(planned, ledger, report)
        if any(ledger.job(job.uid).state != "DONE" for job in jobs):
            return Sent(work, sent, problems)


def _planned(
    work: Work,
    waiting: Sequence[Unanswered],
    before: Sequence[Sequence[PlannedJob]],
    states: Mapping[str, str],
    renew: Collection[str],
) -> tuple[list[list[PlannedJob]], Open]:
    """Return the jobs of all rounds, a new one for new questions, and the open questions.

    Jobs in the states `renew` are renewed: the same work under another uid.
    """
    rounds = [
        [job.renewed() if states.get(job.uid) in renew else job for job in jobs] for jobs in before
    ]
    new = plan_round(work, waiting, [job for jobs in rounds for job in jobs])
    return [*rounds, new.jobs] if new.jobs else rounds, new.questions


def _is_open(job: PlannedJob, asked: Collection[Key], states: Mapping[str, str]) -> bool:
    """Return whether a job has to be sent: it was not, and what it holds is still asked."""
    unsent = states.get(job.uid) in (None, "PLANNED", "SUBMITTING")
    return unsent and any(part.key in asked for part in job.parts)


def _close(work: Work) -> None:
    for backend in work.experiment.backends().values():
        backend.close()


def _send(planned: Round, ledger: Ledger, report: Report) -> None:
    """Send the jobs of a round that are not sent; those of this process are collected at once."""
    permit = Permit(frozenset(job.uid for job in planned.jobs))
    for number, job in enumerate(planned.jobs):
        backend = planned.experiment.backend(job.backend)
        report(f"job {number + 1} of {len(planned.jobs)}", number, len(planned.jobs))
        if ledger.job(job.uid).state in ("PLANNED", "SUBMITTING"):
            units = units_of(job, planned.questions[job.backend])
            submit_job(ledger, backend, job.uid, planned.work.folder.id, units, permit)
        if backend.is_local and ledger.job(job.uid).state == "SUBMITTED":
            collect_job(ledger, backend, planned.work.folder, job.uid, submitting=True)


def _unfinished(experiment: Experiment, ledger: Ledger) -> RunFolder | None:
    """Return the newest submitted run of this experiment that waits to be finished.

    Raises ConfigError for a damaged one whose jobs are under way.
    """
    suffix = f"_{run_suffix(experiment.spec)}"
    for run in reversed([run for run in run_ids() if run.endswith(suffix)]):
        folder, states = find_run(run), {job.state for job in ledger.jobs(run)}
        try:
            recorded = folder.record().details.get("backends", {})
            submitted = bool(read_rounds(folder))
        except ConfigError:
            if states & {"PLANNED", "SUBMITTING", "SUBMITTED"}:
                raise
            continue
        same = all(
            entry["spec"] == experiment.backend(name).spec.model_dump(mode="json")
            for name, entry in recorded.items()
        )
        if submitted and not folder.finished and "CANCELLED" not in states and same:
            return folder
    return None


def _wait(work: Work, report: Report) -> list[JobRecord]:
    """Wait until no job of a run is under way; return all that count as they are then."""
    ledger = Ledger()
    while True:
        with only_fetcher(work.folder):
            problems = collect_all(ledger, work)
        uids = {job.uid for job in read_jobs(work.folder)}  # those in whose place others came not
        found = [job for job in ledger.jobs(work.folder.id) if job.uid in uids]
        under_way = [job for job in found if job.state in ("SUBMITTING", "SUBMITTED")]
        if not under_way:
            return found
        done = sum(job.state == "DONE" for job in found)
        said = f"waiting for {len(under_way)} of {len(found)} jobs"
        report("; ".join([said, *problems]), done, len(found))
        sending.sleep(POLL_SECONDS)
