"""What a submission would send and cost, and that it stays within a budget."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qrec.backends.base import Unit
from qrec.errors import ConfigError
from qrec.experiments.comparison import Comparison
from qrec.runs.folder import RunFolder
from qrec.runs.jobs import PlannedJob
from qrec.runs.ledger import Ledger

Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What would be sent, and what it would cost."""

    experiment: Comparison
    folder: RunFolder
    tasks: dict[str, dict[str, list[Unit]]]  # backend -> task -> units
    jobs: list[PlannedJob]

    def rows(self) -> list[Row]:
        """Return the cost, one row per backend."""
        return [self._row(name, tasks) for name, tasks in self.tasks.items()]

    def _row(self, name: str, tasks: Mapping[str, list[Unit]]) -> Row:
        jobs = [job for job in self.jobs if job.backend == name]
        backend, units = self.experiment.backend(name), [u for of in tasks.values() for u in of]
        return {
            "backend": name,
            "circuits": sum(map(len, tasks.values())),
            "pubs": sum(len(job.parts) for job in jobs),
            "jobs": len(jobs),
            "shots": backend.shots,
            "executions": backend.estimate(units).executions,
            "qpu_seconds": sum(job.qpu_seconds for job in jobs),
        }


def check_budget(plan: Plan, max_qpu_seconds: float | None) -> None:
    """Raise ConfigError where the jobs would take more than what is left of the budget.

    The budget is `max_qpu_seconds`, or else the backend's own; the ledger's jobs count.
    """
    for row in plan.rows():
        own = plan.experiment.backend(row["backend"]).max_qpu_seconds
        budget = own if max_qpu_seconds is None else max_qpu_seconds
        if budget is None:
            continue
        mine = {job.uid for job in plan.jobs}
        spent = Ledger().spent(row["backend"], besides=mine)
        if spent + row["qpu_seconds"] > budget:
            raise ConfigError(_over_budget(plan, row, budget, spent))


def _over_budget(plan: Plan, row: Row, budget: float, spent: float) -> str:
    return (
        f"{row['backend']}: {row['qpu_seconds']:.1f} s of QPU time asked, {spent:.1f} s of "
        f"{budget:.1f} s already used; what would fit: {_fitting(plan, row, budget - spent)}; "
        "or allow more with --max-qpu-seconds"
    )


def _fitting(plan: Plan, row: Row, left: float) -> str:
    """Say how many pairs, or how many shots, would take at most `left` seconds of QPU time."""
    backend, tasks = plan.experiment.backend(row["backend"]), dict(plan.tasks[row["backend"]])
    objectives = [task.name for task in plan.experiment.objectives.tasks()]
    others = [unit for name in objectives for unit in tasks.pop(name, [])]
    overhead = backend.estimate([]).qpu_seconds

    def share(units: list[Unit]) -> float:
        fixed = backend.estimate(units).qpu_seconds + (row["jobs"] - 1) * overhead
        return float((left - fixed) / (row["qpu_seconds"] - fixed))

    rows = max((len(unit.workload) for units in tasks.values() for unit in units), default=0)
    n_pairs = int(rows * share(others)) if rows else 0
    n_shots = int(row["shots"] * share([]))
    ways = [f"--set n_pairs={n_pairs}"] if n_pairs >= 2 else []
    ways += [f"{n_shots} shots"] if n_shots >= 1 else []
    return ", or ".join(ways) or "nothing of it"
