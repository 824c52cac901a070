"""What a study found: a row for each entry, all its trials, and the experiment with the winners."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import yaml

from qrec.analysis.rows import write_csv
from qrec.analysis.table import Column, Table, build_table
from qrec.recommenders.spaces import Range, Space
from qrec.runner.tune import Planned, Study
from qrec.runs.files import write_text
from qrec.types import Row

_EDGE = 0.05  # of a range: a best value so near an end may have its better ones beyond


@dataclass(frozen=True, kw_only=True)
class TunedRow(Row):
    """What tuning found of an entry; figures are RMSE on the validation part."""

    KEY: ClassVar[tuple[str, ...]] = ("recommender",)
    VALUES: ClassVar[tuple[str, ...]] = ("best",)

    recommender: str
    trials: int
    default: float
    best: float
    params: dict[str, Any]  # of the best trial
    at_edge: list[str]  # those of them that lie near an end of what was tried


def tuned_rows(study: Study) -> list[TunedRow]:
    """Return what a study found, whose trials have all ended."""
    return [_row(study, one) for one in study.planned]


def write_tuned(study: Study) -> list[TunedRow]:
    """Write all trials and the experiment with the best parameters; return what was found."""
    rows = tuned_rows(study)
    trials = [
        {
            "recommender": label,
            "trial": one.slot,
            "params": one.params,
            "validation_rmse": one.rmse if math.isfinite(one.rmse) else None,
            "seconds": one.seconds,
            "problem": one.problem,
        }
        for label, trials in study.trials.items()
        for _, one in sorted(trials.done().items())
    ]
    write_csv(study.folder.path / "trials.csv", trials)
    write_text(study.folder.path / "tuned.yaml", _tuned_yaml(study, rows))
    return rows


def tuned_table(rows: Sequence[TunedRow], title: str) -> Table:
    """Return the table of what was found."""
    columns: list[Column[TunedRow]] = [
        Column("recommender", lambda row: row.recommender, text=True),
        Column("default", lambda row: row.default, "{:.4f}"),
        Column("best", lambda row: row.best, "{:.4f}"),
        Column("trials", lambda row: row.trials),
    ]
    notes = ["RMSE on the validation part; trial 0 is the default; no test rating was read."]
    notes += [f"{row.recommender}: {said(row.params)}." for row in rows]
    for row in rows:
        if row.at_edge:
            names = " and ".join(f"{name} {row.params[name]}" for name in row.at_edge)
            notes.append(
                f"{row.recommender}: the best {names} lies within 5 % of an end of what was "
                "tried; widen it by `space`."
            )
    return build_table(title, columns, rows, notes)


def plan_table(planned: Sequence[Planned], title: str) -> Table:
    """Return the table of what would be tried."""
    columns: list[Column[Planned]] = [
        Column("recommender", lambda one: one.entry.label, text=True),
        Column("tried", lambda one: _said_space(one.space), text=True),
        Column("trials", lambda one: one.n_trials),
    ]
    return build_table(f"{title}: what would be tried; nothing was", columns, planned)


def said(params: dict[str, Any]) -> str:
    """Return parameters as words."""
    return ", ".join(f"{name} {value}" for name, value in params.items()) or "nothing to tune"


def _said_space(space: Space) -> str:
    parts = []
    for name, values in space.items():
        if isinstance(values, Range):
            how = ", log" if values.log else ""
            parts.append(f"{name} {values.low:g} to {values.high:g}{how}")
        else:
            parts.append(f"{name} {' | '.join(map(str, values))}")
    return "; ".join(parts) or "nothing to tune"


def _row(study: Study, one: Planned) -> TunedRow:
    trials = study.trials[one.entry.label]
    best, done = trials.best(), trials.done()
    near = [k for k, v in one.space.items() if isinstance(v, Range) and _at_edge(v, best.params[k])]
    return TunedRow(
        recommender=one.entry.label,
        trials=len(done),
        default=done[0].rmse,
        best=best.rmse,
        params=best.params,
        at_edge=near,
    )


def _at_edge(values: Range, value: float) -> bool:
    scale = math.log if values.log else float
    low, high, at = scale(values.low), scale(values.high), scale(value)
    return not low + _EDGE * (high - low) < at < high - _EDGE * (high - low)


def _tuned_yaml(study: Study, rows: Sequence[TunedRow]) -> str:
    """Return the experiment as its user wrote it, with the best parameters in the place of spaces.

    Its header says where they come from.
    """
    spec, record = study.experiment.spec, study.folder.record()
    content = spec.model_dump(mode="json", exclude_unset=True)
    content.pop("tune", None)
    found = {row.recommender: row for row in rows}
    for entry in content["recommenders"]:
        row = found.get(entry["label"])
        entry.pop("space", None)
        if row is not None and row.params:
            entry.pop("grid", None)
            entry["params"] = entry.get("params", {}) | row.params
    data = record.details["dataset"]
    lines = [
        f"Tuned: study {study.folder.id}, qrec {record.qrec},",
        f"  {record.details['command']}",
        f"on {data['name']} ({data['n_ratings']} ratings, sha256 {data['sha256'][:12]}...).",
        "Chosen by RMSE on the validation part of the first split; no test rating was read.",
        "Trial 0 is the default, the others are Optuna's TPE's; all of them: trials.csv.",
        *(
            f"  {row.recommender}: {row.default:.4f} -> {row.best:.4f} in {row.trials} trials"
            for row in rows
            if row.params
        ),
    ]
    header = "".join(f"# {' '.join(line.splitlines())}\n" for line in lines)
    return header + yaml.safe_dump(content, sort_keys=False, width=100)
