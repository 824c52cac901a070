"""`kind: kp_sampling`: what does the quantum recommendation system recommend?

Kerenidis and Prakash sample an item from the projected row of a user. Beside it stand what the
argmax of the same row, popularity, rating models and Tang's classical sampler recommend: the
share of recommendations that are held-out items which the user liked.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from qrec.analysis.figures import CIRCLE, SQUARE, Figure, draw_errors, new_canvas
from qrec.analysis.table import Column, Table, build_table, with_stderr
from qrec.data import Ratings, Split
from qrec.errors import DataError
from qrec.experiments.base import Ask, Have, Step
from qrec.experiments.observed import ObservedExperiment, ObservedSpec
from qrec.recommenders import ALS, EASE, FKV, KerenidisPrakash, TruncatedSVDRecommender
from qrec.recommenders.base import Recommender, rating_matrix
from qrec.runs.outcomes import Outcome
from qrec.seeds import child_seed
from qrec.types import Array, Row, of_type

Positive = Annotated[int, Field(ge=1)]
Even = Annotated[int, Field(ge=2, multiple_of=2)]
Values = Literal["ratings", "liked"]
_BASELINES = {"uniform": 0, "popularity": 1, "popularity_squared": 2}  # the power of the counts
_RATING_MODELS: dict[str, type[Recommender]] = {"als": ALS, "ease": EASE}


class SamplingSpec(ObservedSpec):
    """Exact ranks, degrees of the filter about the threshold of `n_factors`, rows that Tang draws.

    Held-out items are those of the test part; one is liked from `liked` on. Nobody is recommended
    what they rated in the training or in the validation part.
    """

    kind: Literal["kp_sampling"]
    ranks: Annotated[list[Positive], Field(min_length=1)] = [1, 5, 10, 20, 50]  # noqa: RUF012
    degrees: list[Even] = [2, 4, 8, 16, 32, 64, 128]  # noqa: RUF012
    n_rows: list[Positive] = [100, 400, 1600]  # noqa: RUF012
    n_factors: Positive = 10
    values: Annotated[list[Values], Field(min_length=1)] = ["ratings", "liked"]  # noqa: RUF012
    liked: float = 4.0


@dataclass(frozen=True, kw_only=True)
class SamplingRow(Row):
    """What one way of recommending reaches; means over users with a liked held-out item."""

    KEY: ClassVar[tuple[str, ...]] = ("method", "values", "rank", "degree", "n_rows")
    VALUES: ClassVar[tuple[str, ...]] = ("sampled", "top1")

    method: str
    values: str | None = None
    rank: int | None = None
    degree: int | None = None  # None: as sharp as can be
    n_rows: int | None = None  # drawn by Tang's sampler
    n_users: int
    sampled: float | None  # share of samples that are held out and liked
    sampled_stderr: float | None
    top1: float | None  # the same of the one with the most weight
    top1_stderr: float | None
    p_success: float | None = None  # mean over all users of the squared share of the row kept
    fit_seconds: float | None = None  # of all ratings, as the rest
    error: float | None = None  # |A - A V V^T|_F / |A|_F
    error_orthonormal: float | None = None  # the same with V made orthonormal
    overlap: float | None = None  # |V_k^T V|_F^2 / k with the true singular vectors V_k


class Sampling(ObservedExperiment):
    """See `SamplingSpec`."""

    Spec = SamplingSpec
    rows_of = (SamplingRow,)
    spec: SamplingSpec
    example: ClassVar[dict[str, Any]] = {
        "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
        "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
        "ranks": [2, 3], "degrees": [2, 8], "n_rows": [30], "n_factors": 3, "values": ["ratings"],
    }  # fmt: skip

    def steps(self) -> list[Step]:
        spec = self.spec
        steps = [Step(name, partial(self._counted, name)) for name in _BASELINES]
        steps += [Step(name, partial(self._rating_model, name)) for name in _RATING_MODELS]
        steps += [
            Step(f"svd.{values}.k{rank}", partial(self._svd, values, rank))
            for values in spec.values
            for rank in spec.ranks
        ]
        steps += [Step(f"kp.d{degree}", partial(self._kp, degree)) for degree in spec.degrees]
        return steps + [
            Step(f"fkv.p{n_rows}", partial(self._fkv, n_rows)) for n_rows in spec.n_rows
        ]

    def details(self) -> dict[str, Any]:
        return {"dataset": self.summary, "split": self._parts.sizes}

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        found = of_type(SamplingRow, rows)
        notes = [
            "Sampled: share of samples, drawn by squared weight, that are held-out items which the "
            "user liked; top 1: of the items with the most weight. Means over users ± standard "
            "error. P: probability that a run succeeds. svd: the sharp projection; liked: of ones "
            "for liked ratings in place of the ratings."
        ]
        tables = [build_table(f"{self.spec.name}: {self.spec.title}", _COLUMNS, found, notes)]
        factored = [row for row in found if row.error is not None]
        notes = [
            "Of all ratings. Error: |A - A V V^T| / |A|, also with V made orthonormal, as what is "
            "sampled is not quite. Overlap: share of the true singular vectors' span in V's."
        ]
        tables.append(build_table("Tang's sampler beside svds", _FACTORS, factored, notes))
        return [table for table in tables if table.rows]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        found = of_type(SamplingRow, rows)
        line = [row for row in found if row.method == "kp"]
        sharp = [r for r in found if (r.method, r.values, r.rank) == _sharp(self.spec.n_factors)]
        canvas = new_canvas(5.5, 3.4)
        axes = canvas.subplots()
        for name, style in (("sampled", CIRCLE), ("top1", SQUARE)):
            x, y, errors = (
                [getattr(row, field) for row in line]
                for field in ("degree", name, f"{name}_stderr")
            )
            draw_errors(axes, style, x, y, yerr=errors, label=name)
            for row in sharp:
                axes.axhline(getattr(row, name), color=style.colour, linestyle=":")
        if line:
            axes.set_xscale("log", base=2)
        axes.set_xlabel("degree of the filter")
        axes.set_ylabel("held out and liked")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        caption = (
            "Share of recommendations that are held-out items which the user liked, against the "
            f"degree of the filter; dotted: the sharp projection of rank {self.spec.n_factors}. "
            "Bars of one standard error over users."
        )
        return {"degree": Figure(caption, canvas)}

    @cached_property
    def _parts(self) -> Split:
        return self.split(self.spec.seed)

    def _train(self, values: Values = "ratings") -> Ratings:
        """Return the training part, or with its liked ratings as 1 and the others as 0."""
        train = self._parts.train
        if values == "ratings":
            return train
        return replace(train, value=(train.value >= self.spec.liked).astype(float), scale=(0, 1))

    def _counted(self, name: str, ask: Ask, have: Have) -> Outcome:
        train = self._parts.train
        counts = np.bincount(train.item, minlength=train.n_items).astype(float)
        weights = np.tile(counts ** _BASELINES[name], (train.n_users, 1))
        shares = self._shares(weights)
        if name == "uniform":  # all weigh the same: none has the most
            shares |= {"top1": None, "top1_stderr": None}
        return Outcome([SamplingRow(method=name, **shares)])

    def _rating_model(self, name: str, ask: Ask, have: Have) -> Outcome:
        model = _RATING_MODELS[name]().fit(self._parts.train)
        shares = self._shares(np.nan_to_num(self._scores(model).clip(0)))
        shares |= {"sampled": None, "sampled_stderr": None}  # ratings are no amplitudes
        return Outcome([SamplingRow(method=name, **shares)])

    def _svd(self, values: Values, rank: int, ask: Ask, have: Have) -> Outcome:
        train, model = self._train(values), self._exact(rank)
        model.fit(train)
        scores = model.user_factors_ @ model.item_factors_.T
        row = SamplingRow(
            method="svd",
            values=values,
            rank=rank,
            p_success=_p_success(scores, train),
            **self._shares(scores**2),
        )
        if values == "ratings":
            seconds = _fit(model, self.ratings)
            error = _error(self.ratings, _normed(model.item_factors_))
            row = replace(
                row, fit_seconds=seconds, error=error, error_orthonormal=error, overlap=1.0
            )
        return Outcome([row])

    def _kp(self, degree: int, ask: Ask, have: Have) -> Outcome:
        train = self._parts.train
        model = KerenidisPrakash(self.spec.n_factors, degree).fit(train)
        ask.say("projecting every row")
        scores = np.nan_to_num(model.project(rating_matrix(train).toarray()))
        row = SamplingRow(
            method="kp",
            values="ratings",
            rank=self.spec.n_factors,
            degree=degree,
            p_success=_p_success(scores, train),
            **self._shares(scores**2),
        )
        return Outcome([row])

    def _fkv(self, n_rows: int, ask: Ask, have: Have) -> Outcome:
        rank = self.spec.n_factors
        model = FKV(rank, n_rows, random_state=self._step_seed("fkv")).fit(self._parts.train)
        shares = self._shares(np.nan_to_num(self._scores(model)) ** 2)
        seconds = _fit(model, self.ratings)
        orthonormal = np.linalg.qr(model.item_vectors_)[0]
        exact = _normed(self._exact(rank).fit(self.ratings).item_factors_)
        row = SamplingRow(
            method="fkv",
            values="ratings",
            rank=rank,
            n_rows=n_rows,
            fit_seconds=seconds,
            error=_error(self.ratings, model.item_vectors_),
            error_orthonormal=_error(self.ratings, orthonormal),
            overlap=float(((exact.T @ orthonormal) ** 2).sum() / rank),
            **shares,
        )
        return Outcome([row])

    def _exact(self, rank: int) -> TruncatedSVDRecommender:
        return TruncatedSVDRecommender(rank, "none", random_state=self._step_seed("svd"))

    def _step_seed(self, name: str) -> int:
        return child_seed(self.spec.seed, name)

    def _scores(self, model: Recommender) -> Array:
        """Return scores of what was not rated in training `(n_users, n_items)`, else ``nan``."""
        train = self._parts.train
        items, scores = model.recommend(np.arange(train.n_users), train.n_items)
        out = np.full((train.n_users, train.n_items), np.nan)
        user, place = np.nonzero(items >= 0)
        out[user, items[user, place]] = scores[user, place]
        return out

    def _shares(self, weights: Array) -> dict[str, Any]:
        """Return the shares of a row, from weights `(n_users, n_items)` of all items."""
        weights = weights.copy()
        parts = self._parts
        for known in (parts.train, parts.validation):
            if known is not None:
                weights[known.user, known.item] = 0.0
        hit = np.zeros(weights.shape, bool)
        liked = parts.test.value >= self.spec.liked
        hit[parts.test.user[liked], parts.test.item[liked]] = True
        users = np.flatnonzero(hit.any(axis=1) & weights.any(axis=1))
        if len(users) < 2:
            raise DataError(f"{len(users)} users have a test rating of {self.spec.liked} or more")
        weights, hit = weights[users], hit[users]
        sampled = (weights * hit).sum(axis=1) / weights.sum(axis=1)
        top1 = hit[np.arange(len(users)), weights.argmax(axis=1)]
        return {"n_users": len(users)} | _mean("sampled", sampled) | _mean("top1", top1)


def _fit(model: Recommender, train: Ratings) -> float:
    begun = time.perf_counter()
    model.fit(train)
    return time.perf_counter() - begun


def _normed(factors: Array) -> Array:
    """Return right singular vectors as columns, from factors scaled by their values' roots."""
    return np.asarray(factors / np.linalg.norm(factors, axis=0))


def _mean(name: str, values: NDArray[Any]) -> dict[str, float]:
    return {name: float(values.mean()), f"{name}_stderr": float(values.std() / len(values) ** 0.5)}


def _p_success(scores: Array, train: Ratings) -> float:
    """Return the mean over users of what their rows keep of their squared norms."""
    norms = np.bincount(train.user, train.value**2, train.n_users)
    known = norms > 0
    return float(((scores[known] ** 2).sum(axis=1) / norms[known]).mean())


def _error(train: Ratings, vectors: Array) -> float:
    """Return |A - A V V^T|_F / |A|_F, no dense A made for that."""
    matrix = rating_matrix(train)
    kept, total = matrix @ vectors, float((matrix.data**2).sum())
    squared = total - 2 * (kept**2).sum() + np.trace(kept.T @ kept @ vectors.T @ vectors)
    return float(np.sqrt(max(squared, 0.0) / total))


def _sharp(rank: int) -> tuple[str, str, int]:
    return "svd", "ratings", rank


def _share(name: str, row: SamplingRow, digits: int) -> str | None:
    value = getattr(row, name)
    return None if value is None else with_stderr(value, getattr(row, f"{name}_stderr"), digits)


def _label(row: SamplingRow) -> str:
    return "svd, liked" if row.values == "liked" else row.method


_COLUMNS: list[Column[SamplingRow]] = [
    Column("method", _label, text=True),
    Column("rank", lambda row: row.rank),
    Column("degree", lambda row: row.degree),
    Column("rows", lambda row: row.n_rows),
    Column("sampled", lambda row: _share("sampled", row, 4)),
    Column("top 1", lambda row: _share("top1", row, 3)),
    Column("P", lambda row: row.p_success, "{:.2f}"),
]
_FACTORS: list[Column[SamplingRow]] = [
    Column("method", lambda row: row.method, text=True),
    Column("rank", lambda row: row.rank),
    Column("rows", lambda row: row.n_rows),
    Column("seconds", lambda row: row.fit_seconds, "{:.3f}"),
    Column("error", lambda row: row.error, "{:.4f}"),
    Column("orthonormal", lambda row: row.error_orthonormal, "{:.4f}"),
    Column("overlap", lambda row: row.overlap, "{:.2f}"),
]

EXPERIMENT = Sampling
