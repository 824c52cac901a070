"""`kind: speed`: how fast is the exact engine, beside other tools and beside this machine?"""

import importlib.metadata
import platform
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from qrec.analysis.table import Table
from qrec.config import ExperimentSpec
from qrec.experiments.base import Ask, Experiment, Have, Step
from qrec.experiments.speed.machine import RateRow, measure
from qrec.experiments.speed.race import Race, RaceRow, run
from qrec.experiments.speed.races import races
from qrec.experiments.speed.tables import goal_table, limit_table, machine_table, race_tables
from qrec.registry import check_name
from qrec.runs.outcomes import Outcome
from qrec.types import Row, of_type

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


class Speed(Experiment):
    """See `SpeedSpec`. A race is a step, after the one before: none is timed beside another."""

    Spec = SpeedSpec
    rows_of = (RateRow, RaceRow)
    spec: SpeedSpec

    def steps(self) -> list[Step]:
        steps = [Step(_MACHINE, self._measure)]
        for name, race in self._races.items():
            steps.append(Step(name, partial(self._run, race), (steps[-1].name,)))
        return steps

    def details(self) -> dict[str, Any]:
        known = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
        packages = {name: known.get(name) for name in _PACKAGES}
        return {"packages": packages, "machine": platform.machine()}

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        raced, rates = of_type(RaceRow, rows), of_type(RateRow, rows)
        title = f"{self.spec.name}: {self.spec.title}"
        if self.spec.quick:
            title = f"{title}; quick: no rate means anything"
            return race_tables(title, raced, self.spec.rounds)
        found = [*race_tables(title, raced, self.spec.rounds), goal_table(raced)]
        found += [machine_table(rates), limit_table(raced, rates)]
        return [table for table in found if table.rows]

    def _measure(self, ask: Ask, have: Have) -> Outcome:
        return Outcome(measure(self.spec.quick, self.spec.rounds))

    def _run(self, race: Race, ask: Ask, have: Have) -> Outcome:
        return Outcome(run(race, self.spec.rounds, ask.say))

    @cached_property
    def _races(self) -> dict[str, Race]:
        chosen = self.spec.races
        return {k: race for k, race in races(self.spec.quick).items() if not chosen or k in chosen}


EXPERIMENT = Speed
