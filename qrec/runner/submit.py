"""Sending what a run asks as jobs, round by round; the only place where permits are made."""

import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qrec.backends.base import BackendSpec, Permit
from qrec.errors import ConfigError
from qrec.experiments.base import Experiment, Places
from qrec.runner import jobs as sending
from qrec.runner.asking import ByJobs
from qrec.runner.budget import Round, check_budget, plan_round
from qrec.runner.drive import Work, drive
from qrec.runner.fetch import collect_all, not_done, submitted_jobs
from qrec.runner.jobs import Waiting, collect_job, submit_job
from qrec.runner.load import restore
from qrec.runner.pieces import units_of
from qrec.runner.run import begin
from qrec.runs.folder import RunFolder, check_writable, find_run, planning_place, publish, run_ids
from qrec.runs.jobs import Key, PlannedJob, read_jobs, read_rounds, records, write_round
from qrec.runs.ledger import JobRecord, Ledger
from qrec.runs.locks import Release, only_fetcher, only_submitter, only_worker
from qrec.runs.progress import Report

POLL_SECONDS = 10.0  # between two looks at jobs that are waited for
Confirm = Callable[[Round], None]
States = Mapping[str, JobRecord]  # of the jobs of a run, by uid


def dry_round(experiment: Experiment, parent: Path, report: Report) -> Round:
    """Plan what `submit` would send now, in the folder `parent`, which the caller throws away.

    Of a run that is under way, what is left; nothing is collected. Raises ConfigError for an
    experiment that has nothing to send.
    """
    check_asks(experiment)
    started = _unfinished(experiment, Ledger())
    if started is None:
        work = Work(experiment, begin(experiment, parent), ByJobs())
    else:
        copied = RunFolder(parent / started.id)
        with only_worker(started):
            shutil.copytree(started.path, copied.path)
        work = Work(restore(started, experiment.places), copied, ByJobs())
    return next_round(work, _known(work), report).round


def submit(
    experiment: Experiment, confirm: Confirm, max_qpu_seconds: float | None, report: Report
) -> "Sent":
    """Send every job that a run needs now exactly once; return the run and what was sent.

    A run of the same experiment on the same backends that is neither finished nor given up is
    taken up where it stopped, so that the same command again sends what is missing and nothing
    else; what may be spent, and titles, may be other than they were. Jobs that failed, or that
    somebody cancelled, are missing. Before anything is sent, `confirm` is called with the round
    and may raise to refuse. Rounds whose backends answer in this process follow each other until
    none is left. Raises ConfigError for an experiment that has nothing to send.
    """
    check_asks(experiment)
    with only_submitter() as released:
        terms = _Terms(confirm, max_qpu_seconds, report, released)
        # Entered for a run under way too: so what a killed submission left there is removed.
        with planning_place() as place:
            started = _unfinished(experiment, Ledger())
            if started is None:
                work, first = _begun(experiment, place, terms)
            else:
                work = Work(restore(started, experiment.places), started, ByJobs())
                first = None
        return _rounds(work, terms, first)


def _begun(experiment: Experiment, place: Path, terms: "_Terms") -> tuple[Work, Round]:
    """Begin a run apart from all others; publish it with its first round, once that is agreed."""
    work = Work(experiment, begin(experiment, place), ByJobs())
    first = next_round(work, {}, terms.report)
    _agree(first, {}, terms)
    first.write()
    work = Work(experiment, publish(work.folder), work.mode)
    return work, Round(work, first.round.questions, first.round.jobs)


def resubmit(
    run: str, places: Places, confirm: Confirm, max_qpu_seconds: float | None, report: Report
) -> "Sent":
    """Send what a submitted run needs next, whatever of it has come by now; see `submit`.

    A run that was given up is taken up again.
    """
    folder, ledger = find_run(run), Ledger()
    submitted_jobs(folder, ledger)
    with only_submitter() as released:
        work = Work(restore(folder, places), folder, ByJobs())
        return _rounds(work, _Terms(confirm, max_qpu_seconds, report, released))


def send_again(
    name: str, places: Places, confirm: Confirm, max_qpu_seconds: float | None, report: Report
) -> "Sent":
    """Fail the jobs whose results cannot be used, and send them again, once `confirm` agrees.

    `name` is the id or uid of a job, or a run. Raises ConfigError where there is no such job:
    one that is under way is waited for or cancelled, and a stored result stays.
    """
    ledger = Ledger()
    named = [job for job in ledger.jobs() if name in (job.job_id, job.uid)]
    folder = find_run(named[0].run if named else name)
    with only_submitter() as released:
        work = Work(restore(folder, places), folder, ByJobs())
        uids = {job.uid for job in named} or {job.uid for job in submitted_jobs(folder, ledger)}
        again = {
            job.uid
            for job in read_jobs(folder)
            if job.uid in uids and _is_unusable(ledger, work, job)
        }
        if not again:
            raise ConfigError(
                f"{name}: no job whose result came and cannot be used; those that failed or were "
                f"cancelled are sent again with: qrec submit --resume {folder.id}"
            )
        return _rounds(work, _Terms(confirm, max_qpu_seconds, report, released, again))


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
            with only_submitter(wait=True) as released:
                _rounds(work, _Terms(lambda _: None, max_qpu_seconds, report, released))
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


@dataclass(frozen=True, eq=False)
class _Terms:
    """On what terms a run's jobs are sent."""

    confirm: Confirm
    max_qpu_seconds: float | None
    report: Report
    released: Release  # of the submitter's lock
    again: Collection[str] = ()  # uids to be given up and sent again


@dataclass(frozen=True, eq=False)
class _Next:
    """The round that comes next, and the jobs of all rounds as they are with it."""

    round: Round
    before: Sequence[Sequence[PlannedJob]]
    rounds: Sequence[Sequence[PlannedJob]]

    def write(self) -> None:
        """Store what differs from before."""
        for number, jobs in enumerate(self.rounds):
            if [jobs] != self.before[number : number + 1]:
                write_round(self.round.work.folder, number, jobs)


def check_asks(experiment: Experiment) -> None:
    """Raise ConfigError where nothing is asked that takes shots: no job would be sent.

    QrecError where no run can be written.
    """
    check_writable()
    backends = experiment.backends()
    if all(backend.answers_at_once for backend in backends.values()):
        found = f"only {', '.join(backends)}, which give exact values" if backends else "none"
        raise ConfigError(
            f"experiment {experiment.spec.name!r} asks no backend that takes shots: {found}; "
            "`qrec run` does it here, and -b names another"
        )


def _rounds(work: Work, terms: _Terms, first: Round | None = None) -> Sent:
    """Send rounds until one has to be waited for, or nothing is asked any more.

    `first` is a round that is stored and agreed to.
    """
    ledger, sent, problems = Ledger(), list[Round](), list[str]()
    while True:
        planned = first
        if planned is None:
            problems = _collected(ledger, work)
            planned = _agreed_round(ledger, work, terms)
        first = None
        if not planned.jobs:
            return Sent(work, sent, problems)
        ledger.add(records(work.folder.id, planned.jobs))
        sent.append(planned)
        _send(planned, ledger, Waiting(terms.report, terms.released))
        if any(ledger.job(job.uid).state != "DONE" for job in planned.jobs):
            return Sent(work, sent, problems)


def _collected(ledger: Ledger, work: Work) -> list[str]:
    """Collect what has come; return what went wrong, if anything did."""
    ledger.add(records(work.folder.id, read_jobs(work.folder)), in_doubt=True)
    with only_fetcher(work.folder):
        return collect_all(ledger, work, submitting=True)


def _agreed_round(ledger: Ledger, work: Work, terms: _Terms) -> Round:
    """Return the next round, which the budget and the user allow, and store it."""
    known = _known(work)
    for uid in terms.again:
        if known[uid].state == "SUBMITTED":  # its result did not come now either
            known[uid] = replace(known[uid], state="FAILED")
    with only_worker(work.folder):
        planned = next_round(work, known, terms.report)
    _agree(planned, known, terms)
    for uid in terms.again:
        if known[uid].state == "FAILED":
            ledger.ended(uid, "FAILED", "given up: its result cannot be used")
    ledger.take_up(work.folder.id)
    planned.write()
    return planned.round


def next_round(work: Work, known: States, report: Report) -> _Next:
    """Drive a run on and return the round that comes next: what is asked and not under way.

    Jobs that failed or were cancelled are renewed: the same work under another uid.
    """
    waiting = drive(work, report)
    before = read_rounds(work.folder)
    rounds = [[_renewed(work, job, known.get(job.uid)) for job in jobs] for jobs in before]
    new = plan_round(work, waiting, [job for jobs in rounds for job in jobs])
    rounds += [new.jobs] if new.jobs else []
    asked = {(one.step, one.number) for one in waiting}
    jobs = [job for of in rounds for job in of if _is_open(job, asked, known)]
    return _Next(Round(work, new.questions, jobs), before, rounds)


def _agree(planned: _Next, known: States, terms: _Terms) -> None:
    """Raise ConfigError where the budget, or the user, does not allow a round."""
    jobs = planned.round.jobs
    if jobs:
        check_budget(planned.round, terms.max_qpu_seconds)
        if any(_is_new(known.get(job.uid)) for job in jobs):
            terms.confirm(planned.round)


def _is_new(known: JobRecord | None) -> bool:
    """Return whether nothing was sent from here yet: then the user has not agreed to it."""
    return known is None or known.state == "PLANNED" or known.sent is None


def _renewed(work: Work, job: PlannedJob, known: JobRecord | None) -> PlannedJob:
    if known is None or known.state not in ("FAILED", "CANCELLED"):
        return job
    return job.renewed(work.experiment.backend(job.backend).ran_too_long(known.message))


def _is_open(job: PlannedJob, asked: Collection[Key], known: States) -> bool:
    """Return whether a job has to be sent: it was not, and what it holds is still asked."""
    unsent = job.uid not in known or known[job.uid].state in ("PLANNED", "SUBMITTING")
    return unsent and any(part.key in asked for part in job.parts)


def _is_unusable(ledger: Ledger, work: Work, job: PlannedJob) -> bool:
    """Return whether a job has ended and its result is not stored, as it cannot be used."""
    known = ledger.job(job.uid)
    if known.state != "SUBMITTED" or known.job_id is None:
        return False
    return work.experiment.backend(job.backend).poll(known.job_id) == "DONE"


def _known(work: Work) -> dict[str, JobRecord]:
    return {job.uid: job for job in Ledger().jobs(work.folder.id)}


def _close(work: Work) -> None:
    for backend in work.experiment.backends().values():
        backend.close()


def _send(planned: Round, ledger: Ledger, wait: Waiting) -> None:
    """Send the jobs of a round that are not sent; those of this process are collected at once."""
    permit = Permit(frozenset(job.uid for job in planned.jobs))
    folder = planned.work.folder
    for number, job in enumerate(planned.jobs):
        backend = planned.experiment.backend(job.backend)
        wait.at(f"job {number + 1} of {len(planned.jobs)}", number, len(planned.jobs))
        if ledger.job(job.uid).state in ("PLANNED", "SUBMITTING", "CANCELLED"):
            units = units_of(job, planned.questions[job.backend])
            submit_job(ledger, backend, job, folder.id, units, permit, wait)
        if backend.is_local and ledger.job(job.uid).state == "SUBMITTED":
            collect_job(ledger, backend, folder, job, submitting=True)


def _unfinished(experiment: Experiment, ledger: Ledger) -> RunFolder | None:
    """Return the newest submitted run of this experiment that waits to be finished.

    One that the user cancelled as a whole was given up and is none; one of whose jobs somebody
    cancelled is. Raises ConfigError for a damaged one whose jobs are under way.
    """
    given_up = ledger.given_up()
    for run in reversed([run for run in run_ids() if f"_{experiment.spec.name}_" in run]):
        folder, states = find_run(run), {job.state for job in ledger.jobs(run)}
        try:
            fits = run not in given_up and not folder.finished and bool(read_rounds(folder))
            if fits and _is_same(experiment, folder):
                return folder
        except ConfigError:
            if states & {"PLANNED", "SUBMITTING", "SUBMITTED"}:
                raise
    return None


def _is_same(experiment: Experiment, folder: RunFolder) -> bool:
    """Return whether a run computes what the experiment would, on backends of the same settings."""
    if _computed(folder.spec()) != _computed(experiment.spec.model_dump(mode="json")):
        return False
    recorded = folder.record().details["backends"]
    return all(
        _settings(entry["spec"]) == _settings(experiment.backend(name).spec.model_dump(mode="json"))
        for name, entry in recorded.items()
    )


def _computed(content: Any) -> Any:
    """Return what of an experiment is computed: all but what it is called."""
    if isinstance(content, dict):
        return {key: _computed(value) for key, value in content.items() if key != "title"}
    return [_computed(one) for one in content] if isinstance(content, list) else content


def _settings(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in BackendSpec.ALLOWANCES}


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
