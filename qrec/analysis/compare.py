"""Do the rows of comparisons differ? Paired, within a run and between runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qrec.analysis.rows import align, best_classical, comparison_rows
from qrec.analysis.samples import Sample
from qrec.analysis.table import Column, Table, build_table, number
from qrec.errors import ConfigError
from qrec.metrics import rmse_difference
from qrec.types import Row

Key = tuple[str, str | None]  # recommender, backend


@dataclass(frozen=True)
class StoredRun:
    """A finished comparison: what its record says of the data set, and its samples in order."""

    id: str
    dataset: Mapping[str, Any]  # "name" and "sha256" among others
    samples: Sequence[Sample]


@dataclass(frozen=True, kw_only=True)
class DifferenceRow(Row):
    """How the RMSE of a row differs, on the pairs that both score, from that of three others.

    They are the same recommender evaluated exactly, the best classical row, and the same row in
    the first run; `low` and `high` bound 95 % intervals. All is None against itself and where
    there is nothing to compare with.
    """

    KEY: ClassVar[tuple[str, ...]] = ("run", "recommender", "backend")

    run: str
    recommender: str
    backend: str | None
    shots: int | None
    n_predictions: int
    n_pairs_exact: int | None
    rmse_minus_exact: float | None
    stderr_exact: float | None
    low_exact: float | None
    high_exact: float | None
    n_pairs_classical: int | None
    rmse_minus_classical: float | None
    stderr_classical: float | None
    low_classical: float | None
    high_classical: float | None
    n_pairs_first: int | None
    rmse_minus_first: float | None
    stderr_first: float | None
    low_first: float | None
    high_first: float | None


def compare_samples(runs: Sequence[StoredRun]) -> list[DifferenceRow]:
    """Return for every row of the runs how its RMSE differs from three others' on the same pairs.

    They are the same recommender evaluated exactly (what do shots and noise do?), in the same
    run or else in the first that has it, the best classical row of the first run (what is the
    circuit worth?), and the same row in the first run (what did a change of the experiment do?).
    Repeats are pooled. Raises ConfigError for runs on different ratings.
    """
    _check_same_ratings(runs)
    grouped = [(run, _by_key(run.samples)) for run in runs]
    best = _best_classical(runs[0])
    rows = []
    for run, groups in grouped:
        for (recommender, backend), samples in groups.items():
            candidates = (_exact(g, recommender) for g in (groups, *(g for _, g in grouped)))
            exact = next(filter(None, candidates), []) if backend else []
            row = DifferenceRow(
                run=run.id,
                recommender=recommender,
                backend=backend,
                shots=samples[0].notes["shots"],
                n_predictions=sum(len(sample.user) for sample in samples),
                **_difference("exact", samples, exact),
                **_difference("classical", samples, best),
                **_difference("first", samples, grouped[0][1].get((recommender, backend), [])),
            )
            rows.append(row)
    return rows


def compare_table(rows: Sequence[DifferenceRow]) -> Table:
    """Return the comparison as a table."""
    runs = list(dict.fromkeys(row.run for row in rows))
    columns: list[Column[DifferenceRow]] = [
        Column("", lambda row: runs.index(row.run) + 1, text=True),
        Column("recommender", lambda row: row.recommender, text=True),
        Column("backend", lambda row: row.backend, text=True),
        Column("pairs", lambda row: row.n_predictions),
        Column(
            "minus exact",
            lambda row: _interval(row.rmse_minus_exact, row.low_exact, row.high_exact),
        ),
        Column(
            "minus best",
            lambda row: _interval(row.rmse_minus_classical, row.low_classical, row.high_classical),
        ),
    ]
    if len(runs) > 1:
        columns.append(
            Column(
                "minus run 1",
                lambda row: _interval(row.rmse_minus_first, row.low_first, row.high_first),
            )
        )
    notes = [f"run {place}: {run}" for place, run in enumerate(runs, 1)]
    notes.append(
        "RMSE minus that of the same recommender without shots and noise, of the best classical "
        "row of run 1, and of the same row of run 1, on the pairs both score, with its 95 % "
        "interval (paired errors, clustered by user)."
    )
    return build_table("Differences of RMSE", columns, rows, notes)


def _check_same_ratings(runs: Sequence[StoredRun]) -> None:
    first = runs[0]
    for run in runs[1:]:
        if run.dataset["sha256"] != first.dataset["sha256"]:
            raise ConfigError(
                f"run {run.id} is on {run.dataset['name']} (sha256 {run.dataset['sha256'][:12]}), "
                f"run {first.id} on {first.dataset['name']} (sha256 "
                f"{first.dataset['sha256'][:12]}); only runs on the same ratings can be compared"
            )


def _by_key(samples: Sequence[Sample]) -> dict[Key, list[Sample]]:
    """Return the samples of each row, one per repeat."""
    groups: dict[Key, list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.notes["recommender"], sample.notes["backend"]), []).append(sample)
    return groups


def _exact(groups: dict[Key, list[Sample]], recommender: str) -> list[Sample]:
    """Return the samples of a quantum recommender's exact row, if there is one."""
    for (name, backend), samples in groups.items():
        if name == recommender and backend and samples[0].notes["shots"] is None:
            return samples
    return []


def _best_classical(run: StoredRun) -> list[Sample]:
    best = best_classical([row for row in comparison_rows(run.samples) if row.repeat == 0])
    return _by_key(run.samples)[(best.recommender, None)] if best else []


def _difference(name: str, samples: list[Sample], others: list[Sample]) -> dict[str, Any]:
    keys = [f"{key}_{name}" for key in ("n_pairs", "rmse_minus", "stderr", "low", "high")]
    itself = bool(others) and others[0] is samples[0]
    columns = None if itself else _pool(samples, others)
    if columns is None:
        return dict.fromkeys(keys)
    found = rmse_difference(*columns)
    values = (found.n, found.value, found.stderr, found.low, found.high)
    return dict(zip(keys, values, strict=True))


def _pool(samples: list[Sample], others: list[Sample]) -> tuple[np.ndarray[Any, Any], ...] | None:
    """Return truth, two predictions and users on the pairs that both have in the same repeat."""
    parts = []
    for sample in samples:
        for other in others:
            if sample.notes["repeat"] == other.notes["repeat"]:
                a, b = align(sample, other)
                prediction, theirs = sample.prediction[a], other.prediction[b]
                parts.append((sample.truth[a], prediction, theirs, sample.user[a]))
    if sum(len(part[0]) for part in parts) == 0:
        return None
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _interval(value: float | None, low: float | None, high: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:+.3f} [{number(low, 3)},{number(high, 3)}]".replace("0.", ".")
