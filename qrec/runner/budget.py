"""What a submission would send and cost, and that it stays within a budget."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from qrec.backends import open_backend
from qrec.backends.base import Backend, Estimate, Unit
from qrec.backends.device.snapshots import Snapshot
from qrec.backends.open import backend_names
from qrec.backends.workload import Asked
from qrec.errors import ConfigError
from qrec.experiments.base import Experiment
from qrec.runner.asking import Unanswered
from qrec.runner.drive import Work
from qrec.runner.load import opened
from qrec.runner.pieces import plan_jobs
from qrec.runs.jobs import Key, PlannedJob
from qrec.runs.ledger import Ledger
from qrec.types import Row

Open = dict[str, dict[Key, Sequence[Unit]]]  # backend -> question -> what is sent


@dataclass(frozen=True, kw_only=True)
class CostRow(Row):
    """What one backend is asked by a round of jobs, and at most by the whole run."""

    backend: str
    circuits: int
    pubs: int
    jobs: int
    shots: int | None
    executions: int
    qpu_seconds: float
    most_executions: int | None  # None where it hangs on answers that have not come
    most_qpu_seconds: float | None
    account_seconds: float | None  # that the account has left; None where nobody can say

    def money(self, price: float | None) -> dict[str, float | None]:
        """Return what this round, and the whole run at most, cost at so much a QPU second."""
        if price is None:
            return {}
        most = self.most_qpu_seconds
        return {
            "money": price * self.qpu_seconds,
            "most_money": None if most is None else price * most,
        }


@dataclass(frozen=True, eq=False)
class Round:
    """The open questions of a run and the jobs that answer them.

    One that is `priced_on` a snapshot is never sent, and no account is asked for it.
    """

    work: Work
    questions: Open
    jobs: list[PlannedJob]
    priced_on: Snapshot | None = None

    @property
    def experiment(self) -> Experiment:
        """The experiment that asks."""
        return self.work.experiment

    @property
    def costs(self) -> bool:
        """Whether anything in it is paid for."""
        return any(self.experiment.backend(job.backend).costs for job in self.jobs)

    def rows(self) -> list[CostRow]:
        """Return the cost, one row per backend, as it was when first asked for."""
        return self._rows

    @cached_property
    def _rows(self) -> list[CostRow]:
        return [self._row(name) for name in self.questions if self._of(name)]

    def _of(self, name: str) -> list[PlannedJob]:
        return [job for job in self.jobs if job.backend == name]

    def _row(self, name: str) -> CostRow:
        jobs, backend = self._of(name), self.experiment.backend(name)
        executions = backend.self_test_executions + sum(job.executions for job in jobs)
        seconds = sum(job.qpu_seconds for job in jobs)
        most = _most(self, name)
        parts = [part for job in jobs for part in job.parts]
        return CostRow(
            backend=name,
            circuits=len({(part.key, part.circuit) for part in parts}),
            pubs=len(parts),
            jobs=len(jobs),
            shots=backend.shots,
            executions=executions,
            qpu_seconds=seconds,
            most_executions=None if most is None else max(executions, most[0]),
            most_qpu_seconds=None if most is None else max(seconds, most[1]),
            account_seconds=(
                backend.account_seconds() if backend.costs and self.priced_on is None else None
            ),
        )


def plan_round(work: Work, waiting: Sequence[Unanswered], planned: Sequence[PlannedJob]) -> Round:
    """Plan jobs for the open questions that none of the `planned` jobs holds yet."""
    held = {part.key for job in planned for part in job.parts}
    questions: Open = {}
    for one in waiting:
        questions.setdefault(one.backend, {})[one.step, one.number] = one.units
    jobs = []
    for name, asked in questions.items():
        new = {key: units for key, units in asked.items() if key not in held}
        jobs += plan_jobs(work.experiment.backend(name), name, new)
    return Round(work, questions, jobs)


def check_allowance(option: str, found: float | None) -> None:
    """Raise ConfigError for a number that is no amount of time or money."""
    if found is not None and not 0 <= found < math.inf:  # nan neither
        raise ConfigError(f"{option}: found {found}, expected at least 0")


def check_budget(planned: Round, max_qpu_seconds: float | None) -> None:
    """Raise ConfigError where the jobs would take more than what is left of a budget.

    Of QPU time, that is `max_qpu_seconds`, or else what the entry allows; of executions, what
    the entry allows. The ledger's jobs count, whichever entry of the same device they went by.
    """
    check_allowance("--max-qpu-seconds", max_qpu_seconds)
    ledger = Ledger()
    for device in dict.fromkeys(job.device for job in planned.jobs):
        jobs = [job for job in planned.jobs if job.device == device]
        uids = {job.uid for job in jobs}
        names = list(dict.fromkeys(job.backend for job in jobs))
        backends = [planned.experiment.backend(name) for name in names]
        allowing = [_as_now(planned.experiment, backend) for backend in backends]
        seconds = _least([backend.max_qpu_seconds for backend in allowing])
        _check(
            planned,
            jobs,
            _Budget(
                seconds if max_qpu_seconds is None else max_qpu_seconds,
                ledger.spent(device, besides=uids),
                sum(job.qpu_seconds for job in jobs),
                lambda estimate: estimate.qpu_seconds,
                "{:.1f} s of QPU time asked, {:.1f} s of {:.1f} s already used",
                "--max-qpu-seconds",
            ),
        )
        _check(
            planned,
            jobs,
            _Budget(
                _least([backend.max_executions for backend in allowing]),
                ledger.executed(device, besides=uids)
                + sum(backend.self_test_executions for backend in backends),
                sum(job.executions for job in jobs),
                lambda estimate: estimate.executions,
                "{:.0f} executions asked, {:.0f} of {:.0f} already taken or for the self-test",
                "max_executions in backends.yaml",
            ),
        )


@dataclass(frozen=True)
class _Budget:
    """What may be spent of one thing, was spent, and is asked."""

    most: float | None
    spent: float
    asked: float
    of: Callable[[Estimate], float]
    said: str  # with a place for each of the three
    allow: str  # by which more is allowed


def _check(planned: Round, jobs: Sequence[PlannedJob], budget: _Budget) -> None:
    if budget.most is None or budget.spent + budget.asked <= budget.most:
        return
    entries = ", ".join(dict.fromkeys(job.entry for job in jobs))
    fitting = _fitting(planned, jobs, budget.most - budget.spent, budget)
    raise ConfigError(
        f"{entries}: {budget.said.format(budget.asked, budget.spent, budget.most)}; "
        f"what would fit: {fitting}; or allow more with {budget.allow}"
    )


def _as_now(experiment: Experiment, backend: Backend) -> Backend:
    """Return a backend as backends.yaml has it now: what it allows may have changed meanwhile.

    Where no entry of that name and kind is there any more, as the run began with it.
    """
    file = experiment.places.backends_file
    if backend.name not in backend_names(file):
        return backend
    with opened(experiment.places):
        now = open_backend(backend.name, file=file)
    kinds = [one.spec.model_dump().get("kind") for one in (now, backend)]
    return now if kinds[0] == kinds[1] else backend


def _least(found: Sequence[float | None]) -> float | None:
    return min((one for one in found if one is not None), default=None)


def _most(planned: Round, name: str) -> tuple[int, float] | None:
    """Return the most executions and QPU seconds that a run still asks of a backend.

    None where a step has yet to be reached that waits for the answers to others.
    """
    work, backend = planned.work, planned.experiment.backend(name)
    executions, seconds = backend.self_test_executions, 0.0
    for step in work.steps:
        if work.outcomes.has(step.name):
            continue
        if not all(work.outcomes.has(other) for other in step.after):
            return None
        asked = [Asked(backend, [unit.workload for unit in units], 1)
                 for (asking, _), units in planned.questions[name].items()
                 if asking == step.name]  # fmt: skip
        most = step.most(work.read(step)) if step.most is not None else asked
        for one in most or asked:
            if one.backend is backend:
                estimate = backend.estimate(backend.prepare(one.workloads))
                executions += one.times * estimate.executions
                seconds += one.times * estimate.qpu_seconds
    return executions, seconds


def _fitting(planned: Round, jobs: Sequence[PlannedJob], left: float, budget: _Budget) -> str:
    """Say how much of what can be chosen would take at most what is `left` of a budget."""
    experiment, backend = planned.experiment, planned.experiment.backend(jobs[0].backend)
    none = budget.of(backend.estimate([]))
    overhead, asked = len(jobs) * none, budget.asked
    ways = []
    for size in experiment.sizes():
        rest = overhead + sum(
            budget.of(backend.estimate(units)) - none
            for (step, _), units in planned.questions[jobs[0].backend].items()
            if step not in size.steps
        )
        fits = int(size.value * (left - rest) / (asked - rest)) if asked > rest else 0
        ways += [f"--set {size.key}={fits}"] if fits >= 2 else []
    shots = int((backend.shots or 0) * (left - overhead) / (asked - overhead))
    ways += [f"{shots} shots"] if shots >= 1 else []
    return ", or ".join(ways) or "nothing of it"
