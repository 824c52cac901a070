"""What a submission would send and cost, and that it stays within a budget."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qrec.backends.base import Unit
from qrec.backends.workload import Asked
from qrec.errors import ConfigError
from qrec.experiments.base import Experiment
from qrec.runner.asking import Unanswered
from qrec.runner.drive import Work
from qrec.runner.jobs import plan_jobs
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


@dataclass(frozen=True, eq=False)
class Round:
    """The open questions of a run and the jobs that answer them."""

    work: Work
    questions: Open
    jobs: list[PlannedJob]

    @property
    def experiment(self) -> Experiment:
        """The experiment that asks."""
        return self.work.experiment

    @property
    def costs(self) -> bool:
        """Whether anything in it is paid for."""
        return any(self.experiment.backend(job.backend).costs for job in self.jobs)

    def rows(self) -> list[CostRow]:
        """Return the cost, one row per backend."""
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


def check_budget(planned: Round, max_qpu_seconds: float | None) -> None:
    """Raise ConfigError where the jobs would take more than what is left of the budget.

    The budget is `max_qpu_seconds`, or else the backend's own; the ledger's jobs count.
    """
    if max_qpu_seconds is not None and not 0 <= max_qpu_seconds < math.inf:  # nan neither
        raise ConfigError(f"--max-qpu-seconds: found {max_qpu_seconds}, expected at least 0")
    for entry, jobs in _by_entry(planned.jobs):
        backend = planned.experiment.backend(jobs[0].backend)
        budget = backend.max_qpu_seconds if max_qpu_seconds is None else max_qpu_seconds
        if budget is None:
            continue
        spent = Ledger().spent(entry, besides={job.uid for job in planned.jobs})
        asked = sum(job.qpu_seconds for job in jobs)
        if spent + asked > budget:
            raise ConfigError(
                f"{entry}: {asked:.1f} s of QPU time asked, {spent:.1f} s of {budget:.1f} s "
                f"already used; what would fit: {_fitting(planned, jobs, budget - spent)}; "
                "or allow more with --max-qpu-seconds"
            )


def _by_entry(jobs: Sequence[PlannedJob]) -> Iterator[tuple[str, list[PlannedJob]]]:
    for entry in dict.fromkeys(job.entry for job in jobs):
        yield entry, [job for job in jobs if job.entry == entry]


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


def _fitting(planned: Round, jobs: Sequence[PlannedJob], left: float) -> str:
    """Say how much of what can be chosen would take at most `left` seconds of QPU time."""
    experiment, backend = planned.experiment, planned.experiment.backend(jobs[0].backend)
    asked = sum(job.qpu_seconds for job in jobs)
    overhead = len(jobs) * backend.estimate([]).qpu_seconds
    ways = []
    for size in experiment.sizes():
        rest = overhead + sum(
            backend.estimate(units).qpu_seconds - backend.estimate([]).qpu_seconds
            for (step, _), units in planned.questions[jobs[0].backend].items()
            if step not in size.steps
        )
        fits = int(size.value * (left - rest) / (asked - rest)) if asked > rest else 0
        ways += [f"--set {size.key}={fits}"] if fits >= 2 else []
    shots = int((backend.shots or 0) * (left - overhead) / (asked - overhead))
    ways += [f"{shots} shots"] if shots >= 1 else []
    return ", or ".join(ways) or "nothing of it"
