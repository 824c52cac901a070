"""`kind: suite`: several experiments in one run and one submission.

The steps of a member are the suite's, called ``label.step``; members share backends, so that
what all of them ask of a device goes in the same jobs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from qiskit import QuantumCircuit

from qrec.analysis.figures import Figure
from qrec.analysis.table import Table
from qrec.backends.base import Backend
from qrec.backends.workload import Asked
from qrec.config import ExperimentSpec, parse_fields, read_yaml
from qrec.errors import ConfigError, NoBackendError
from qrec.experiments import experiment_class
from qrec.experiments.base import Ask, Compared, Experiment, Have, Places, Size, Step
from qrec.experiments.labels import PATTERN, check_labels
from qrec.registry import check_name, experiment_paths, named_in_file
from qrec.runs.outcomes import Outcome
from qrec.types import Row

_SHARED = ("schema_version", "title", "seed")  # a member's are the suite's unless it has its own


class SuiteSpec(ExperimentSpec):
    """Experiments, each a mapping as its own file would hold, with a label.

    Or ``experiment``, a packaged one's name or a file beside this one, with what is changed of
    it. The file holds the whole experiment from then on.
    """

    kind: Literal["suite"]
    experiments: Annotated[list[dict[str, Any]], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, content: Any) -> Any:
        if not isinstance(content, dict) or not isinstance(content.get("experiments"), list):
            return content
        shared = {key: content[key] for key in _SHARED if key in content}
        members = [
            _complete(entry, shared, place) for place, entry in enumerate(content["experiments"])
        ]
        return content | {"experiments": members}

    @field_validator("experiments")
    @classmethod
    def _check(cls, members: list[dict[str, Any]]) -> list[dict[str, Any]]:
        check_labels((member["label"] for member in members), "experiments")
        for member in members:
            _parse(member)
        return members

    def members(self) -> dict[str, ExperimentSpec]:
        """Return the experiments by label."""
        return {member["label"]: _parse(member)[1] for member in self.experiments}

    def with_backends(self, names: list[str]) -> Self:
        """Return the same suite, each of its experiments that asks a backend asking these."""
        moved, refusals = [], []
        for label, spec in self.members().items():
            try:
                spec = spec.with_backends(names)
            except NoBackendError as refusal:
                refusals.append(refusal)
            moved.append({"label": label, **spec.model_dump(mode="json")})
        if len(refusals) == len(moved):
            raise refusals[0]
        return self.model_copy(update={"experiments": moved})


@dataclass(frozen=True, kw_only=True)
class SuiteRow(Row):
    """A row of one of the experiments; for each type of row there is one of these."""

    experiment: str  # the label
    row: Row

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.row, name)

    def as_dict(self) -> dict[str, Any]:
        return {"experiment": self.experiment, **self.row.as_dict()}


class Suite(Experiment):
    """See `SuiteSpec`."""

    Spec = SuiteSpec
    partial = True
    spec: SuiteSpec

    def __init__(self, spec: SuiteSpec, places: Places) -> None:
        super().__init__(spec, places)
        self.members: dict[str, Experiment] = {}
        for content in spec.experiments:
            cls, own = _parse(content)
            member = self.members[content["label"]] = cls(own, places)
            member.share_backends(self)
        types = [cls for member in self.members.values() for cls in member.rows_of]
        self.rows_of = tuple(dict.fromkeys(types))

    def steps(self) -> list[Step]:
        return [
            _labelled(step, label)
            for label, member in self.members.items()
            for step in member.steps()
        ]

    def rows(self, outcomes: Have) -> list[Row]:
        return [row for label in self.members for row in self._rows(label, outcomes)]

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        return [
            table
            for label, member in self.members.items()
            if (own := _rows_of(rows, label))
            for table in member.tables(own)
        ]

    def answer(self, rows: Sequence[Row], outcomes: Have) -> list[str]:
        return [
            f"{label}: {sentence}"
            for label, member in self.members.items()
            if (own := _rows_of(rows, label))
            for sentence in member.answer(own, _own(outcomes, label))
        ]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        return {
            f"{label}.{name}": figure
            for label, member in self.members.items()
            if (own := _rows_of(rows, label))
            for name, figure in member.figures(own, _own(outcomes, label)).items()
        }

    def compared(self, outcomes: Have, details: Mapping[str, Any]) -> list[Compared]:
        return [
            Compared(
                label,
                self._rows(label, outcomes),
                member.samples(_own(outcomes, label)),
                details["experiments"][label],
            )
            for label, member in self.members.items()
            if self._can_show(label, outcomes)
        ]

    def circuits(self) -> dict[str, QuantumCircuit]:
        return {
            f"{label}.{name}": circuit
            for label, member in self.members.items()
            for name, circuit in member.circuits().items()
        }

    def details(self) -> dict[str, Any]:
        return {"experiments": {label: member.details() for label, member in self.members.items()}}

    def check_same(self, details: Mapping[str, Any]) -> None:
        for label, member in self.members.items():
            member.check_same(details["experiments"][label])

    def sizes(self) -> list[Size]:
        return [
            Size(
                f"experiments.{label}.{size.key}",
                size.value,
                frozenset(f"{label}.{step}" for step in size.steps),
            )
            for label, member in self.members.items()
            for size in member.sizes()
        ]

    def backend_names(self) -> list[str]:
        names = [name for member in self.members.values() for name in member.backend_names()]
        return list(dict.fromkeys(names))

    def open(self, name: str) -> Backend:
        asking = {k: m.open(name) for k, m in self.members.items() if name in m.backend_names()}
        first, *others = asking
        for other in others:
            if asking[other].spec != asking[first].spec:
                raise ConfigError(
                    f"experiments.{first} and experiments.{other} mean different backends by "
                    f"{name!r}: rename the entry in backends.yaml"
                )
        return asking[first]

    def use_recorded(self, details: Mapping[str, Any]) -> None:
        super().use_recorded(details)
        for label, member in self.members.items():
            own = details["experiments"][label]
            member.use_recorded(own | {"backends": details["backends"]})

    def _can_show(self, label: str, outcomes: Have) -> bool:
        """Return whether a member can be shown with what of its steps could be done."""
        member = self.members[label]
        return member.partial or all(f"{label}.{step.name}" in outcomes for step in member.steps())

    def _rows(self, label: str, outcomes: Have) -> list[Row]:
        if not self._can_show(label, outcomes):
            return []
        found = self.members[label].rows(_own(outcomes, label))
        return [
            _row_type(type(row).__name__, row.KEY, row.VALUES)(experiment=label, row=row)
            for row in found
        ]


def _complete(entry: Any, shared: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return a member as its own file would hold it, with its label."""
    where = f"experiments.{place}"
    label = entry.get("label") if isinstance(entry, dict) else None
    if not (isinstance(label, str) and re.search(PATTERN, label)):
        raise ConfigError(
            f"{where}: found the label {label!r}, expected a mapping with a label of letters, "
            "digits, _ and -"
        )
    content = dict(entry)
    if source := content.pop("experiment", None):
        content = _read(str(source), f"experiments.{entry['label']}.experiment") | content
    return {"name": entry["label"]} | dict(shared) | content


def _read(source: str, where: str) -> dict[str, Any]:
    known = experiment_paths()
    if not source.endswith((".yaml", ".yml")):
        check_name(source, sorted(known), f"experiment (in {where})")
    content = read_yaml(known[source] if source in known else named_in_file(Path(source)))
    if not isinstance(content, dict):
        raise ConfigError(f"{where}: {source}: expected a mapping with the keys of an experiment")
    return content


def _parse(member: Mapping[str, Any]) -> tuple[type[Experiment], ExperimentSpec]:
    content = dict(member)
    where = f"experiments.{content.pop('label')}"
    cls = experiment_class(content.get("kind"), where)
    if issubclass(cls, Suite):
        raise ConfigError(f"{where}: kind: found 'suite'; a suite holds no other suite")
    return cls, parse_fields(cls.Spec, content, where)


def _labelled(step: Step, label: str) -> Step:
    """Return a member's step as the suite's."""

    def do(ask: Ask, have: Have) -> Outcome:
        return step.do(ask, _own(have, label))

    def most(have: Have) -> Sequence[Asked]:
        assert step.most is not None
        return step.most(_own(have, label))

    return replace(
        step,
        name=f"{label}.{step.name}",
        do=do,
        after=tuple(f"{label}.{name}" for name in step.after),
        most=None if step.most is None else most,
        own_name=step.name,
    )


def _own(outcomes: Have, label: str) -> dict[str, Outcome]:
    """Return a member's outcomes as it calls them."""
    begins = f"{label}."
    return {k.removeprefix(begins): v for k, v in outcomes.items() if k.startswith(begins)}


def _rows_of(rows: Sequence[Row], label: str) -> list[Row]:
    return [row.row for row in rows if isinstance(row, SuiteRow) and row.experiment == label]


@cache
def _row_type(name: str, key: tuple[str, ...], values: tuple[str, ...]) -> type[SuiteRow]:
    """Return the `SuiteRow` of a type of row, with its key and its measured fields."""
    fields = {"KEY": ("experiment", *key), "VALUES": values, "__module__": __name__}
    return type(name, (SuiteRow,), fields)


EXPERIMENT = Suite
