"""`kind: ensemble`: does a quantum member make an ensemble of recommenders better?

Members are fitted to the train part; weights are a ridge regression of the validation ratings
on their predictions (`qrec.recommenders.Ensemble`). Two guards stand beside every ensemble:
each member calibrated alone, by the same regression with one column, since most of what "A and
B are better than A" shows is that A was off by a line; and for each quantum member the paired
difference to the same ensemble without it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

import numpy as np
from pydantic import Field, model_validator

from qrec.analysis.table import Column, Table, build_table, short_stderr
from qrec.data import Split
from qrec.errors import ConfigError
from qrec.experiments.base import Ask, Have, Step
from qrec.experiments.comparison.spec import Entry
from qrec.experiments.labels import Label
from qrec.experiments.members import MembersExperiment, MembersSpec
from qrec.metrics import rmse, rmse_difference
from qrec.recommenders.ensemble import stack
from qrec.registry import check_name
from qrec.runs.outcomes import Outcome
from qrec.types import Array, Row, of_type

R = TypeVar("R", bound=Row)
_SIGN = "+"  # between members; no label has one


class EnsembleSpec(MembersSpec):
    """Recommenders, and which of them are stacked, by label; `alpha` is the ridge's penalty."""

    kind: Literal["ensemble"]
    repeats: Annotated[int, Field(ge=1)] = 1
    alpha: Annotated[float, Field(ge=0)] = 10.0
    ensembles: Annotated[list[Annotated[list[Label], Field(min_length=2)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _members(self) -> Self:
        labels = [entry.label for entry in self.recommenders]
        for members in self.ensembles:
            for label in members:
                check_name(label, labels, "recommender (in ensembles)")
            if len(set(members)) < len(members):
                raise ConfigError(f"ensembles: found {members}; expected each member once")
        return self


@dataclass(frozen=True, kw_only=True)
class StackRow(Row):
    """RMSE of members stacked, one of them being calibrated alone; then `raw` as it predicts."""

    KEY: ClassVar[tuple[str, ...]] = ("members", "repeat")
    VALUES: ClassVar[tuple[str, ...]] = ("rmse", "raw")

    members: str  # their labels, joined by +
    repeat: int
    n_pairs: int
    raw: float | None = None
    raw_stderr: float | None = None
    rmse: float
    rmse_stderr: float
    intercept: float
    weights: list[float]
    quantum: list[str]  # which of the members are


@dataclass(frozen=True, kw_only=True)
class AddedRow(Row):
    """RMSE of an ensemble minus that of the same without one quantum member, on the same pairs."""

    KEY: ClassVar[tuple[str, ...]] = ("members", "without", "repeat")
    VALUES: ClassVar[tuple[str, ...]] = ("difference",)

    members: str  # their labels, joined by +
    without: str
    repeat: int
    difference: float
    difference_stderr: float


class EnsembleExperiment(MembersExperiment):
    """See `EnsembleSpec`."""

    Spec = EnsembleSpec
    rows_of = (StackRow, AddedRow)
    spec: EnsembleSpec
    example: ClassVar[Mapping[str, Any]] = {
        "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
        "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
        "recommenders": [
            {"label": "als", "recommender": "als", "params": {"n_factors": 2}},
            {"label": "bias", "recommender": "bias"},
            {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"}},
        ],
        "ensembles": [["als", "bias"], ["bias", "swap"]],
    }

    def steps(self) -> list[Step]:
        steps = []
        for repeat in range(self.spec.repeats):
            for entry in self.spec.recommenders:
                after = tuple(dict.fromkeys(self._bases(entry, repeat).values()))
                do = partial(self._predict, entry, repeat)
                steps.append(Step(_step(entry.label, repeat), do, after))
            every = tuple(_step(entry.label, repeat) for entry in self.spec.recommenders)
            steps.append(Step(f"r{repeat}", partial(self._stack, repeat), every))
        return steps

    def details(self) -> dict[str, Any]:
        return {"dataset": self.summary, "split": self._split(0).sizes}

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        spec, data = self.spec, self.summary
        heading = [
            f"{spec.name}: {spec.title}",
            f"data set {data['name']}: {data['n_ratings']} ratings; split "
            f"{spec.split['kind']}; seed {spec.seed}; repeats {spec.repeats}",
        ]
        tables = [stack_table(heading, of_type(StackRow, rows))]
        tables.append(added_table(of_type(AddedRow, rows)))
        return [table for table in tables if table.rows]

    def _predict(self, entry: Entry, repeat: int, ask: Ask, have: Have) -> Outcome:
        parts, seed = self._split(repeat), self._seed(repeat, "fit", entry.label)
        bases = self._bases(entry, repeat)
        model = self.fitted(entry, parts, seed, bases, ask, have)
        assert parts.validation is not None  # see _split
        found = {
            name: model.predict(part)
            for name, part in (("validation", parts.validation), ("test", parts.test))
        }
        return Outcome(arrays=found, model=model)

    def _stack(self, repeat: int, ask: Ask, have: Have) -> Outcome:
        found = {e.label: have[_step(e.label, repeat)].arrays for e in self.spec.recommenders}
        stacks = _Stacks(self._split(repeat), found, self.spec.alpha)
        rows: list[Row] = []
        for members in self._shown():
            quantum = [label for label in members if self.spec.is_quantum(label)]
            rows.append(StackRow(repeat=repeat, quantum=quantum, **stacks.scores(members)))
        for members in self.spec.ensembles:
            for label in members:
                if self.spec.is_quantum(label):
                    rows.append(AddedRow(repeat=repeat, **stacks.added(members, label)))
        return Outcome(rows)

    def _shown(self) -> list[list[str]]:
        """Return what has a row: each member alone, then the ensembles."""
        return [[entry.label] for entry in self.spec.recommenders] + self.spec.ensembles

    def _split(self, repeat: int) -> Split:
        parts = super()._split(repeat)
        if parts.validation is None:
            raise ConfigError(
                "split: weights are fitted on the validation part, but the split leaves none"
            )
        return parts

    def _bases(self, entry: Entry, repeat: int) -> dict[str, str]:
        return {name: _step(base, repeat) for name, base in entry.references.items()}


class _Stacks:
    """Ridges on the validation predictions of some members, scored on the test pairs."""

    def __init__(self, parts: Split, found: Mapping[str, Mapping[str, Array]], alpha: float):
        self._parts, self._found, self._alpha = parts, found, alpha
        # All rows speak of the pairs that every member scores.
        test = np.column_stack([arrays["test"] for arrays in found.values()])
        self._scored = ~np.isnan(test).any(axis=1)
        self._test = parts.test[np.flatnonzero(self._scored)]

    def scores(self, members: Sequence[str]) -> dict[str, Any]:
        """Return the fields of the row of some members."""
        intercept, weights = self._weights(members)
        found = rmse(self._test.value, self._predicted(members), self._test.user)
        fields = {
            "members": _SIGN.join(members),
            "n_pairs": len(self._test),
            "rmse": found.value,
            "rmse_stderr": found.stderr,
            "intercept": intercept,
            "weights": weights.tolist(),
        }
        if len(members) == 1:
            raw = rmse(self._test.value, self._columns(members, "test")[:, 0], self._test.user)
            fields |= {"raw": raw.value, "raw_stderr": raw.stderr}
        return fields

    def added(self, members: Sequence[str], label: str) -> dict[str, Any]:
        """Return the fields of the row that says what one member adds to the others."""
        others = [member for member in members if member != label]
        a, b = self._predicted(members), self._predicted(others)
        found = rmse_difference(self._test.value, a, b, self._test.user)
        return {
            "members": _SIGN.join(members),
            "without": label,
            "difference": found.value,
            "difference_stderr": found.stderr,
        }

    def _predicted(self, members: Sequence[str]) -> Array:
        intercept, weights = self._weights(members)
        rating = intercept + self._columns(members, "test") @ weights
        return np.clip(rating, *self._parts.ratings.scale)

    def _weights(self, members: Sequence[str]) -> tuple[float, Array]:
        assert self._parts.validation is not None
        columns = self._columns(members, "validation")
        return stack(columns, self._parts.validation.value, self._alpha)

    def _columns(self, members: Sequence[str], part: str) -> Array:
        columns = np.column_stack([self._found[member][part] for member in members])
        return columns[self._scored] if part == "test" else columns


def _step(label: str, repeat: int) -> str:
    return f"r{repeat}.{label}"


def stack_table(heading: Sequence[str], rows: Sequence[StackRow]) -> Table:
    """Return every member raw and calibrated, then the ensembles; means over repeats."""
    columns: list[Column[list[StackRow]]] = [
        Column("members", lambda group: _names(group[0]), text=True),
        Column("raw", lambda group: _mean(group, "raw")),
        Column("stacked", lambda group: _mean(group, "rmse")),
    ]
    notes = [
        "RMSE on the test pairs that all members score, ± standard error clustered by user; means "
        "over repeats, ± that of one. Stacked: weights are a ridge regression of the validation "
        "ratings on the members' predictions; for one member alone that is a calibration. "
        "q: a quantum member.",
        "An ensemble gains what it gains on its best member calibrated, not on its raw ones.",
    ]
    groups = _groups(rows, lambda row: row.members)
    return build_table("\n".join(heading), columns, groups, notes)


def added_table(rows: Sequence[AddedRow]) -> Table:
    """Return what a quantum member adds to the others; means over repeats."""
    columns: list[Column[list[AddedRow]]] = [
        Column("quantum member", lambda group: group[0].without, text=True),
        Column("to", lambda group: _others(group[0]), text=True),
        Column("difference", lambda group: _difference(group)),
        Column("by repeat", lambda group: " ".join(f"{row.difference:+.4f}" for row in group)),
    ]
    notes = [
        "RMSE with the member minus RMSE without it, weights fitted anew, on the same pairs; ± is "
        "the standard error of the paired difference, clustered by user, mean over repeats. "
        "Below zero the member helps."
    ]
    groups = _groups(rows, lambda row: (row.members, row.without))
    return build_table("What a quantum member adds", columns, groups, notes)


def _groups(rows: Sequence[R], key: Callable[[R], Any]) -> list[list[R]]:
    groups: dict[Any, list[R]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return list(groups.values())


def _names(row: StackRow) -> str:
    return " + ".join(
        f"{name} (q)" if name in row.quantum else name for name in row.members.split(_SIGN)
    )


def _others(row: AddedRow) -> str:
    return " + ".join(name for name in row.members.split(_SIGN) if name != row.without)


def _mean(group: Sequence[StackRow], name: str) -> str | None:
    if getattr(group[0], name) is None:
        return None
    value = np.mean([getattr(row, name) for row in group])
    return f"{value:.4f}±{short_stderr(getattr(group[0], f'{name}_stderr'))}"


def _difference(group: Sequence[AddedRow]) -> str:
    value = np.mean([row.difference for row in group])
    stderr = np.mean([row.difference_stderr for row in group])
    return f"{value:+.4f}±{stderr:.4f}".replace("±0.", "±.")


EXPERIMENT = EnsembleExperiment
