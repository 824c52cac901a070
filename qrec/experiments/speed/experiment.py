"""`kind: speed`: how fast is the exact engine, beside other tools and beside this machine?"""

import importlib.metadata
import platform
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from qrec.analysis.figures import Figure
from qrec.analysis.table import Table
from qrec.config import ExperimentSpec
from qrec.errors import ConfigError
from qrec.experiments._tasks import Arrays, Outcome, Row, Step, TaskExperiment
from qrec.experiments.speed.machine import measure
from qrec.experiments.speed.race import Race, run
from qrec.experiments.speed.races import races
from qrec.experiments.speed.tables import goal_table, limit_table, machine_table, race_tables
from qrec.registry import check_name

_MACHINE = "machine"
_PACKAGES = ("qrec", "torch", "numpy", "qiskit", "qiskit-aer", "qiskit-machine-learning",
             "pennylane", "pennylane-lightning", "tensorcircuit-ng", "jax")  # fmt: skip


class SpeedSpec(ExperimentSpec):
    """Which races are run, all if none is named, and how often each contender is timed."""

    kind: Literal["speed"]
    races: list[str] = Field(default_factory=list)
    rounds: Annotated[int, Field(ge=1)] = 5
    quick: bool = False  # so little work that the rates mean nothing: does it run?

    @model_validator(mode="after")
    def _check_races(self) -> Self:
        for name in self.races:
            check_name(name, list(races(self.quick)), "race (in races)")
        return self

    def with_backends(self, names: list[str]) -> Self:
        raise ConfigError(
            f"experiment {self.name!r} races the exact engine and has no backend for {names}"
        )


class Speed(TaskExperiment):
    """See `SpeedSpec`. Every race is a task, so a stopped run goes on with the next one."""

    spec: SpeedSpec

    def tasks(self) -> list[str]:
        return [_MACHINE, *self._races]

    def details(self) -> dict[str, Any]:
        known = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
        packages = {name: known.get(name) for name in _PACKAGES}
        return {"packages": packages, "machine": platform.machine()}

    def compute(self, task: str, step: Step) -> Outcome:
        if task == _MACHINE:
            return Outcome(measure(self.spec.quick, self.spec.rounds))
        return Outcome(run(self._races[task], self.spec.rounds, step))

    def tables(self, rows: list[Row]) -> list[Table]:
        title = f"{self.spec.name}: {self.spec.title}"
        if self.spec.quick:
            return race_tables(f"{title}; quick: no rate means anything", rows, self.spec.rounds)
        found = [*race_tables(title, rows, self.spec.rounds), goal_table(rows)]
        return [table for table in (*found, machine_table(rows), limit_table(rows)) if table.rows]

    def figures(self, rows: list[Row], arrays: Mapping[str, Arrays]) -> dict[str, Figure]:
        return {}

    @cached_property
    def _races(self) -> dict[str, Race]:
        chosen = self.spec.races
        return {k: race for k, race in races(self.spec.quick).items() if not chosen or k in chosen}


SPEC = SpeedSpec
EXPERIMENT = Speed
