"""`kind: ranking`: whom do the lists of each recommender please?

Every recommender is fitted to the train part and ranks, for every user with a relevant test
item, all items that the user did not rate in training: protocol ``full catalogue`` of
`qrec.metrics.catalogue`. Beside it stands the RMSE of the same fit on the test ratings, protocol
``test ratings``: the two order recommenders differently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator
from scipy.sparse import csr_array

from qrec.analysis.figures import CIRCLE, SQUARE, Figure, draw_errors, new_canvas
from qrec.analysis.learning import learning_figure
from qrec.analysis.table import Column, Table, build_table, short_stderr
from qrec.data import Ratings
from qrec.errors import ConfigError
from qrec.experiments.base import Ask, Have, Step
from qrec.experiments.comparison.fitting import histories, history_of
from qrec.experiments.comparison.spec import Entry
from qrec.experiments.members import MembersExperiment, MembersSpec
from qrec.metrics import PROTOCOL as RATED
from qrec.metrics import Score, rmse
from qrec.metrics.catalogue import PROTOCOL as CATALOGUE
from qrec.metrics.catalogue import Lists, find_list_metric
from qrec.recommenders.base import Recommender
from qrec.runs.outcomes import Outcome
from qrec.types import Codes, Row, of_type

_USERS_AT_ONCE = 512  # bounds the whole orders of the catalogue that are held
RMSE = "rmse"


class RankingSpec(MembersSpec):
    """Recommenders, the metrics of their lists, and the test rating that makes an item relevant."""

    kind: Literal["ranking"]
    repeats: Annotated[int, Field(ge=1)] = 1
    relevant: float = 4.0
    metrics: Annotated[list[str], Field(min_length=1)] = [  # noqa: RUF012
        "ndcg@10", "recall@10", "mrr@10", "hit_rate@10", "coverage@10", "novelty@10", "gini@10",
    ]  # fmt: skip

    @field_validator("metrics")
    @classmethod
    def _metrics(cls, names: list[str]) -> list[str]:
        for name in names:
            find_list_metric(name, " (in metrics)")
        return names

    @field_validator("recommenders")
    @classmethod
    def _no_grid(cls, entries: list[Entry]) -> list[Entry]:
        for entry in entries:
            if entry.grid:
                raise ConfigError(
                    f"recommenders.{entry.label}: grid: found {entry.grid}; a grid is chosen by "
                    "RMSE, which says little of a ranking; expected params"
                )
        return entries


@dataclass(frozen=True, kw_only=True)
class RankingRow(Row):
    """One metric of one recommender in one repeat, and the protocol that it is taken under."""

    KEY: ClassVar[tuple[str, ...]] = ("recommender", "metric", "repeat")
    VALUES: ClassVar[tuple[str, ...]] = ("value",)

    recommender: str
    quantum: bool
    metric: str
    protocol: str
    repeat: int
    value: float
    value_stderr: float
    n_users: int  # over whom it is taken
    params: dict[str, Any]


class RankingExperiment(MembersExperiment):
    """See `RankingSpec`."""

    Spec = RankingSpec
    rows_of = (RankingRow,)
    partial = True
    spec: RankingSpec
    example: ClassVar[Mapping[str, Any]] = {
        "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
        "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
        "recommenders": [
            {"label": "popular", "recommender": "popularity"},
            {"label": "als", "recommender": "als", "params": {"n_factors": 2}},
            {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"}},
        ],
    }

    def steps(self) -> list[Step]:
        return [
            Step(
                _step(entry.label, repeat),
                partial(self._rank, entry, repeat),
                tuple(dict.fromkeys(self._bases(entry, repeat).values())),
            )
            for repeat in range(self.spec.repeats)
            for entry in self.spec.recommenders
        ]

    def details(self) -> dict[str, Any]:
        return {"dataset": self.summary, "split": self._split(0).sizes}

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        spec, data = self.spec, self.described
        found = of_type(RankingRow, rows)
        heading = [
            f"{spec.name}: {spec.title}",
            f"data set {data['name']}: {data['n_ratings']} ratings; split {spec.split['kind']}; "
            f"seed {spec.seed}; repeats {spec.repeats}",
        ]
        return [_table("\n".join(heading), spec, found, data["n_items"])]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        drawn = {"ranking": _figure(self.spec.metrics[0], of_type(RankingRow, rows))}
        fits = {entry.label: _step(entry.label, 0) for entry in self.spec.recommenders}
        learning = learning_figure(histories(fits, outcomes))
        return drawn | ({"learning": learning} if learning else {})

    def _rank(self, entry: Entry, repeat: int, ask: Ask, have: Have) -> Outcome:
        parts, seed = self._split(repeat), self._seed(repeat, "fit", entry.label)
        model = self.fitted(entry, parts, seed, self._bases(entry, repeat), ask, have)
        metrics = [find_list_metric(name) for name in self.spec.metrics]
        users, relevant = relevant_items(parts.test, self.spec.relevant)
        longest = max(metric.cutoff for metric in metrics)
        draw = np.random.default_rng(self._seed(repeat, "ties"))
        items = best_items(model, users, longest, draw)
        raters = np.bincount(parts.train.item, minlength=parts.train.n_items)
        n_training_users = len(np.unique(parts.train.user))
        lists = Lists(items, relevant, raters, n_training_users)
        error = rmse(parts.test.value, model.predict(parts.test), parts.test.user)
        n_rated = len(np.unique(parts.test.user))

        def row(metric: str, protocol: str, score: Score, n_users: int) -> RankingRow:
            return RankingRow(
                recommender=entry.label, quantum=self.spec.is_quantum(entry.label),
                metric=metric, protocol=protocol, repeat=repeat, value=score.value,
                value_stderr=score.stderr, n_users=n_users, params=entry.params,
            )  # fmt: skip

        rows = [row(RMSE, RATED, error, n_rated)]
        rows += [row(m.name, CATALOGUE, m(lists), len(users)) for m in metrics]
        return Outcome(rows, {"user": users, "items": items, **history_of(model)}, model)

    def _bases(self, entry: Entry, repeat: int) -> dict[str, str]:
        return {name: _step(base, repeat) for name, base in entry.references.items()}


def relevant_items(test: Ratings, at_least: float) -> tuple[Codes, csr_array]:
    """Return the users with a relevant test item, and ones at those items, `(n_users, n_items)`.

    Raises ConfigError where there is no such user.
    """
    liked = test[np.flatnonzero(test.value >= at_least)]
    if len(liked) == 0:
        raise ConfigError(
            f"relevant: found {at_least:g}, which no test rating reaches; expected one on the "
            f"scale of {test.scale[0]:g} to {test.scale[1]:g}"
        )
    users, row = np.unique(liked.user, return_inverse=True)
    ones = np.ones(len(liked))
    matrix = csr_array((ones, (row, liked.item)), shape=(len(users), test.n_items))
    return users.astype(np.int32), matrix


def best_items(model: Recommender, users: Codes, n: int, draw: np.random.Generator) -> Codes:
    """Return the `n` best items that each user did not rate in training, `(n_users, n)`.

    -1 stands where fewer can be scored. Items with the same score come in drawn order: by their
    codes, as in `recommend`, a model that ties all would be as good as the codes are, and in
    MovieLens low codes are popular items.
    """
    found = []
    for start in range(0, len(users), _USERS_AT_ONCE):
        items, scores = model.recommend(users[start : start + _USERS_AT_ONCE], model.n_items_)
        order = np.lexsort((draw.random(scores.shape), -scores), axis=1)  # nan comes last
        found.append(np.take_along_axis(items, order[:, :n], axis=1))
    return np.concatenate(found)


def _step(label: str, repeat: int) -> str:
    return f"{label}.r{repeat}"


def _table(title: str, spec: RankingSpec, rows: Sequence[RankingRow], n_items: int) -> Table:
    """Return a line per recommender, means over the repeats."""
    lines = [
        [row for row in rows if row.recommender == label]
        for label in dict.fromkeys(row.recommender for row in rows)
    ]
    columns: list[Column[list[RankingRow]]] = [
        Column("recommender", _label, text=True),
        Column("RMSE", partial(_cell, RMSE, "{:.3f}")),
    ]
    for name in spec.metrics:
        metric = find_list_metric(name)
        columns.append(Column(metric.header, partial(_cell, name, metric.format)))
    n_users = "/".join(str(n) for n in dict.fromkeys(
        row.n_users for row in rows if row.protocol == CATALOGUE
    ))  # fmt: skip
    notes = [
        f"Protocol {CATALOGUE}: for each of {n_users} users with a test rating of "
        f"{spec.relevant:g} or more, which make an item relevant, all of {n_items} items that the "
        "user did not rate in training are ranked; an item without a test rating counts as not "
        "relevant. RMSE is of the same fit under another protocol, test ratings.",
        "±: standard error over users" + ("; means over the repeats, ± is that of one." if
        spec.repeats > 1 else ".") + " q: a quantum recommender, or one built on such.",
    ]  # fmt: skip
    return build_table(title, columns, lines, notes)


def _label(line: Sequence[RankingRow]) -> str:
    return line[0].recommender + (" (q)" if line[0].quantum else "")


def _cell(metric: str, form: str, line: Sequence[RankingRow]) -> str | None:
    value, stderr = _mean(line, metric)
    return None if np.isnan(value) else f"{form.format(value)}±{short_stderr(stderr)}"


def _mean(line: Sequence[RankingRow], metric: str) -> tuple[float, float]:
    own = [row for row in line if row.metric == metric]
    value, stderr = np.mean([[row.value, row.value_stderr] for row in own], axis=0)
    return float(value), float(stderr)


def _figure(metric: str, rows: Sequence[RankingRow]) -> Figure:
    """Draw the first metric of each recommender beside its RMSE, a line each, best lists first."""
    labels = dict.fromkeys(row.recommender for row in rows)
    lines = [[row for row in rows if row.recommender == label] for label in labels]
    lines.sort(key=lambda line: -_mean(line, metric)[0])
    canvas = new_canvas(8, 0.9 + 0.27 * len(lines))
    header = find_list_metric(metric).header
    titles = {metric: f"{header} (full catalogue)", RMSE: "RMSE (test ratings)"}
    grid = canvas.subplots(1, 2, sharey=True)
    for axes, (name, title) in zip(grid, titles.items(), strict=True):
        for place, line in enumerate(lines):
            value, stderr = _mean(line, name)
            style = SQUARE if line[0].quantum else CIRCLE
            draw_errors(axes, style, [value], [place], xerr=[1.96 * stderr], capsize=3)
        axes.set_xlabel(f"{title}, 95 % interval")
        axes.grid(alpha=0.3)
    grid[0].set_yticks(range(len(lines)), [_label(line) for line in lines])
    grid[0].set_ylim(len(lines) - 0.5, -0.5)
    caption = (
        f"Left, {header} of lists from the full catalogue, best first, right is better; right, "
        "RMSE of the same fit on the test ratings, left is better, with no mark where no rating is "
        "predicted. 95 % intervals over users. Squares (q): quantum, or built on such."
    )
    return Figure(caption, canvas)


EXPERIMENT = RankingExperiment
