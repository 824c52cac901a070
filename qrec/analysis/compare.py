"""Do rows differ? Paired comparisons within a run and between runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qrec.analysis.rows import align, best_classical, comparison_rows
from qrec.analysis.table import Table, number
from qrec.errors import ConfigError, NotFinishedError
from qrec.metrics import rmse_difference
from qrec.runs.folder import RunFolder, Sample

Row = dict[str, Any]
Key = tuple[str, str | None]  # recommender, backend


@dataclass(frozen=True)
class _Stored:
    """A finished run: the samples of each of its rows, one per repeat."""

    id: str
    samples: dict[Key, list[Sample]]

    def exact(self, recommender: str) -> list[Sample]:
        """Return the samples of a quantum recommender's exact row, if there is one."""
        for (name, backend), samples in self.samples.items():
            if name == recommender and backend and samples[0].notes["shots"] is None:
                return samples
        return []


def compare_runs(folders: Sequence[RunFolder]) -> list[Row]:
    """Return for every row of the runs how its RMSE differs from two others' on the same pairs.

    The two are the same recommender evaluated exactly (what do shots and noise do?), in the
    same run or else in the first that has it, and the best classical row of the first run
    (what is the circuit worth?). Repeats are pooled. Differences are None against itself and
    where there is nothing to compare with. Raises ConfigError for runs on different ratings,
    NotFinishedError for one that has not ended.
    """
    runs = [_read(folder) for folder in folders]
    _check_same_ratings(folders)
    best = _best_classical(runs[0])
    rows = []
    for run in runs:
        for (recommender, backend), samples in run.samples.items():
            exact = next((found for r in (run, *runs) if (found := r.exact(recommender))), [])
            row: Row = {"run": run.id, "recommender": recommender, "backend": backend}
            row["shots"] = samples[0].notes["shots"]
            row["n_predictions"] = sum(len(sample.user) for sample in samples)
            row |= _difference("exact", samples, exact if backend else [])
            row |= _difference("classical", samples, best)
            rows.append(row)
    return rows


def compare_table(rows: Sequence[Row]) -> Table:
    """Return the comparison as a table."""
    runs = list(dict.fromkeys(row["run"] for row in rows))
    body = [
        [
            str(runs.index(row["run"]) + 1),
            row["recommender"],
            row["backend"] or "-",
            str(row["n_predictions"]),
            _cell(row, "exact"),
            _cell(row, "classical"),
        ]
        for row in rows
    ]
    columns = ["", "recommender", "backend", "pairs", "minus exact", "minus best"]
    notes = [f"run {place}: {run}" for place, run in enumerate(runs, 1)]
    notes.append(
        "RMSE minus that of the same recommender without shots and noise, and of the best "
        "classical row of run 1, on the pairs both score, with its 95 % interval (paired errors, "
        "clustered by user)."
    )
    return Table("Differences of RMSE", columns, body, notes, n_text=3)


def _read(folder: RunFolder) -> _Stored:
    if not folder.finished:
        raise NotFinishedError(
            f"run {folder.id} is not finished; finish it with: qrec run --resume {folder.id}"
        )
    samples: dict[Key, list[Sample]] = {}
    for sample in sorted(folder.samples(), key=lambda sample: sample.notes["place"]):
        key = (sample.notes["recommender"], sample.notes["backend"])
        samples.setdefault(key, []).append(sample)
    return _Stored(folder.id, samples)


def _check_same_ratings(folders: Sequence[RunFolder]) -> None:
    first, *others = [(f.id, f.record().details["dataset"]) for f in folders]
    for run, dataset in others:
        if dataset["sha256"] != first[1]["sha256"]:
            raise ConfigError(
                f"run {run} is on {dataset['name']} (sha256 {dataset['sha256'][:12]}), run "
                f"{first[0]} on {first[1]['name']} (sha256 {first[1]['sha256'][:12]}); "
                "only runs on the same ratings can be compared"
            )


def _best_classical(run: _Stored) -> list[Sample]:
    every = [sample for samples in run.samples.values() for sample in samples]
    best = best_classical([row for row in comparison_rows(every) if row["repeat"] == 0])
    return run.samples[(best["recommender"], None)] if best else []


def _difference(name: str, samples: list[Sample], others: list[Sample]) -> Row:
    keys = [f"{key}_{name}" for key in ("n_pairs", "rmse_minus", "stderr", "low", "high")]
    columns = _pool(samples, others) if others is not samples else None
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


def _cell(row: Row, name: str) -> str:
    value = row[f"rmse_minus_{name}"]
    if value is None:
        return "-"
    low, high = (number(row[f"{end}_{name}"], 3) for end in ("low", "high"))
    return f"{value:+.3f} [{low},{high}]".replace("0.", ".")
