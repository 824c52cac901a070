"""`kind: cold_start`: what is gained from the first ratings of users who were in no fit?

Models are fitted without the cold users (split `cold_users`), who are then placed by their first
q ratings (`Recommender.fold_in`); their other ratings, the same at every q, are scored. Beside
every model stand the items' biases alone and with the user's own, shrunk.

A projection of a row that is mostly zeros is too small, a ridge on a handful of ratings may be
too large: how far a model departs from the biases is therefore also shown with a gain, one number
fitted to the ratings of *other* cold users, those of the validation part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from qrec.analysis.figures import Figure, new_canvas
from qrec.analysis.table import Column, Table, build_table, short_stderr
from qrec.data import Ratings, Split
from qrec.errors import ConfigError
from qrec.experiments.base import Ask, Have, Step
from qrec.experiments.comparison.spec import Entry
from qrec.experiments.members import MembersExperiment, MembersSpec
from qrec.metrics import rmse, rmse_difference
from qrec.recommenders.base import Recommender
from qrec.recommenders.bias import UserItemBias
from qrec.runs.outcomes import Outcome
from qrec.seeds import child_seed
from qrec.types import Array, Row, of_type

ITEMS, BIAS = "items alone", "user bias"
_BIASES = "biases.fit"  # the name of a step; no label has a dot
Line = tuple[str, dict[int, float | None]]  # a method, and its figures by support


class ColdStartSpec(MembersSpec):
    """Recommenders that can `fold_in`, and how many ratings of a cold user they are given."""

    kind: Literal["cold_start"]
    support: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.split.get("kind") != "cold_users":
            raise ConfigError(
                f"split.kind: found {self.split.get('kind')!r}; expected 'cold_users', by which "
                "users leave the training part whole"
            )
        for entry in self.recommenders:
            if not entry.cls.can_fold_in():
                raise ConfigError(
                    f"recommenders.{entry.label}: {entry.recommender!r} learns a user only by "
                    "fit; expected one with fold_in, such as als"
                )
        return self


@dataclass(frozen=True, kw_only=True)
class ColdRow(Row):
    """RMSE of a method given `support` ratings of each cold user, as it is and with its gain."""

    KEY: ClassVar[tuple[str, ...]] = ("method", "support")
    VALUES: ClassVar[tuple[str, ...]] = ("rmse", "rmse_gain")

    method: str
    support: int
    n_users: int
    n_pairs: int
    rmse: float
    rmse_stderr: float
    gain: float | None = None  # fitted to the validation users' ratings
    rmse_gain: float | None = None
    rmse_gain_stderr: float | None = None
    minus_bias: float | None = None  # of rmse_gain and that of the user bias, same pairs
    minus_bias_stderr: float | None = None


class ColdStart(MembersExperiment):
    """See `ColdStartSpec`."""

    Spec = ColdStartSpec
    rows_of = (ColdRow,)
    spec: ColdStartSpec
    example: ClassVar[Mapping[str, Any]] = {
        "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
        "split": {"kind": "cold_users", "share": 0.3, "validation_share": 0.2, "support": 5},
        "support": [1, 5],
        "recommenders": [{"label": "als", "recommender": "als", "params": {"n_factors": 2}}],
    }

    def steps(self) -> list[Step]:
        steps = [Step(_BIASES, self._biases)]
        for entry in self.spec.recommenders:
            after = tuple(dict.fromkeys([_BIASES, *entry.references.values()]))
            steps.append(Step(entry.label, partial(self._score, entry), after))
        return steps

    def details(self) -> dict[str, Any]:
        return {"dataset": self.summary, "split": self._parts.sizes}

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        spec, data, found = self.spec, self.summary, of_type(ColdRow, rows)
        heading = [
            f"{spec.name}: {spec.title}",
            f"data set {data['name']}: {data['n_ratings']} ratings; seed {spec.seed}; "
            f"{found[0].n_users} cold users, {found[0].n_pairs} ratings scored",
        ]
        return [_table("\n".join(heading), found), _gain_table(found)]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        return {"support": _figure(of_type(ColdRow, rows))}

    def _biases(self, ask: Ask, have: Have) -> Outcome:
        model = UserItemBias().fit(self._parts.train)
        test = self._scored(self._parts.test)
        # What is expected of a rating of which only the item is known.
        items = model.mean_ + model.typical_user_bias_ + model.item_bias_[test.item]
        items = np.clip(items, *model.scale_)
        rows = [_row(ITEMS, 0, test, items)]
        for support in self.spec.support:
            folded = model.fold_in(self._given(support))
            rows.append(_row(BIAS, support, test, folded.predict(test)))
        return Outcome(rows, model=model)

    def _score(self, entry: Entry, ask: Ask, have: Have) -> Outcome:
        bases = entry.references
        seed = child_seed(self.spec.seed, "fit", entry.label)
        model = self.fitted(entry, self._parts, seed, bases, ask, have)
        biases: UserItemBias = have[_BIASES].model
        rows = []
        for support in self.spec.support:
            ask.say(f"{support} ratings given")
            rows.append(self._one(entry.label, model, biases, support))
        return Outcome(rows, model=model)

    def _one(self, name: str, model: Recommender, biases: UserItemBias, support: int) -> ColdRow:
        """Return the row of a model given so many ratings of each cold user."""
        given = self._given(support)
        folded, base = model.fold_in(given), biases.fold_in(given)
        assert self._parts.validation is not None  # see _parts
        to_fit, test = self._scored(self._parts.validation), self._scored(self._parts.test)
        expected = base.predict(to_fit)
        departs = folded.predict(to_fit) - expected
        squares = departs @ departs
        gain = float(departs @ (to_fit.value - expected) / squares) if squares > 0 else 1.0
        raw, bias = folded.predict(test), base.predict(test)
        with_gain = np.clip(bias + gain * (raw - bias), *test.scale)
        score = rmse(test.value, with_gain, test.user)
        minus = rmse_difference(test.value, with_gain, bias, test.user)
        return _row(
            name, support, test, raw, gain=gain, rmse_gain=score.value,
            rmse_gain_stderr=score.stderr, minus_bias=minus.value, minus_bias_stderr=minus.stderr,
        )  # fmt: skip

    def _given(self, support: int) -> Ratings:
        """Return the first `support` ratings of each cold user."""
        given = self._parts.support
        assert given is not None  # the kind of split sees to that
        counts = np.bincount(given.user)
        # Rows of one user stand together, in the order they are given in.
        starts = np.repeat(np.cumsum(counts) - counts, counts)
        return given[np.flatnonzero(np.arange(len(given)) - starts < support)]

    def _scored(self, part: Ratings) -> Ratings:
        """Return the ratings of items that were rated in training; all methods score these."""
        return part[np.flatnonzero(np.isin(part.item, self._parts.train.item))]

    @cached_property
    def _parts(self) -> Split:
        parts = self.split(child_seed(self.spec.seed, "split"))
        if parts.validation is None:
            raise ConfigError(
                "split.validation_share: found 0; a gain is fitted to validation users; expected "
                "more, such as 0.1"
            )
        most = int(np.bincount(self.ratings.user[parts.support_rows]).max())
        if max(self.spec.support) > most:
            raise ConfigError(
                f"support: found {max(self.spec.support)}; expected at most split.support, {most}"
            )
        return parts


def _row(name: str, support: int, test: Ratings, predicted: Array, **more: Any) -> ColdRow:
    score = rmse(test.value, predicted, test.user)
    return ColdRow(
        method=name,
        support=support,
        n_users=len(np.unique(test.user)),
        n_pairs=len(test),
        rmse=score.value,
        rmse_stderr=score.stderr,
        **more,
    )


def _table(title: str, rows: Sequence[ColdRow]) -> Table:
    """Return RMSE by method, as it predicts and with its gain, a column per support."""
    [items] = [row for row in rows if row.method == ITEMS]
    supports = list(dict.fromkeys(row.support for row in rows if row.method != ITEMS))
    lines: list[Line] = [(ITEMS, dict.fromkeys(supports, items.rmse))]
    for name in dict.fromkeys(row.method for row in rows if row.method != ITEMS):
        own = [row for row in rows if row.method == name]
        lines.append((name, {row.support: row.rmse for row in own}))
        if name != BIAS:
            lines.append((f"{name}, gain", {row.support: row.rmse_gain for row in own}))
    columns: list[Column[Line]] = [Column("method", lambda line: line[0], text=True)]
    columns += [
        Column(str(support), partial(_figure_at, support), "{:.4f}") for support in supports
    ]
    notes = [
        "RMSE on the ratings of users who were in no fit, by how many of their other ratings the "
        "method is given. Gain: what the method adds to the user bias, times one number fitted to "
        f"validation users. Standard error of a figure: about {short_stderr(items.rmse_stderr)}."
    ]
    return build_table(title, columns, lines, notes)


def _figure_at(support: int, line: Line) -> float | None:
    return line[1][support]


def _gain_table(rows: Sequence[ColdRow]) -> Table:
    """Return what each method with its gain is better than the user bias."""
    columns: list[Column[ColdRow]] = [
        Column("method", lambda row: row.method, text=True),
        Column("support", lambda row: row.support),
        Column("gain", lambda row: row.gain, "{:.2f}"),
        Column("minus user bias", lambda row: row.minus_bias, "{:+.4f}"),
        Column("±", lambda row: row.minus_bias_stderr, "{:.4f}"),
    ]
    notes = [
        "RMSE of the method with its gain minus that of the user bias, on the same pairs; ± is "
        "the standard error of the paired difference, clustered by user. Below zero it helps."
    ]
    chosen = [row for row in rows if row.gain is not None]
    return build_table("What a method adds to the user bias", columns, chosen, notes)


def _figure(rows: Sequence[ColdRow]) -> Figure:
    canvas = new_canvas(6.0, 3.8)
    axes = canvas.subplots()
    for name in dict.fromkeys(row.method for row in rows if row.method != ITEMS):
        own = [row for row in rows if row.method == name]
        values = [row.rmse if row.rmse_gain is None else row.rmse_gain for row in own]
        axes.plot([row.support for row in own], values, ".-", label=name)
    [items] = [row for row in rows if row.method == ITEMS]
    axes.axhline(items.rmse, color="black", linestyle=":", label=ITEMS)
    axes.set_xlabel("ratings given of a cold user")
    axes.set_ylabel("RMSE")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    caption = (
        "RMSE on the ratings of users who were in no fit, by how many of their other ratings are "
        "given; each method with a gain fitted to validation users."
    )
    return Figure(caption, canvas)


EXPERIMENT = ColdStart
