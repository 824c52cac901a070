"""The tables of a comparison, each at most 80 columns wide with the metrics shown by default."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from qrec.analysis.rows import NOT_HELD_OUT, SUSPICIOUS, ComparisonRow
from qrec.analysis.table import Column, Table, build_table, number, short_stderr
from qrec.metrics import PROTOCOL, find_metric

Group = list[ComparisonRow]  # the rows of all repeats of one recommender on one backend
_PER = 20_000  # predictions that the speed column speaks of


def accuracy_table(heading: Sequence[str], rows: Sequence[ComparisonRow]) -> Table:
    """Return metrics, coverage and range of predictions; `heading` says on what."""
    names = dict.fromkeys(name for row in rows for name in row.metric_names)
    columns = [
        *_NAMES,
        Column("shots", _mean("shots"), "{:.0f}"),
        *map(_metric_column, names),
        Column("cover", _mean("coverage"), "{:.3f}"),
        Column("range", _range),
    ]
    return build_table("\n".join(heading), columns, _groups(rows), _accuracy_notes(rows))


def same_pairs_table(rows: Sequence[ComparisonRow]) -> Table:
    """Return rows on a sample of pairs beside what others reach on exactly those pairs."""
    groups = [group for group in _groups(rows) if group[0].shots is not None]
    columns = [
        *_NAMES,
        Column("pairs", _mean("n_predictions"), "{:.0f}"),
        Column("RMSE", _mean_metric("rmse"), "{:.4f}"),
        Column("minus exact", partial(_against, name="exact")),
        Column("minus best", partial(_against, name="classical")),
    ]
    notes = [
        "RMSE minus that of the same model evaluated exactly, and of the best classical row, on "
        "the same pairs; the standard errors are those of paired errors."
    ]
    return build_table(
        "What shots and noise do, on a sample of the test pairs", columns, groups, notes
    )


def cost_table(rows: Sequence[ComparisonRow]) -> Table:
    """Return seconds and what the circuits cost."""
    columns = [
        *_NAMES,
        Column("pairs", _mean("n_predictions"), "{:.0f}"),
        Column("fit s", _mean("fit_seconds"), "{:.2f}"),
        Column("s/20k", _seconds_per, "{:.3g}"),
        Column("qubits", _mean("qubits"), "{:.0f}"),
        Column("2q gates", _mean("two_qubit_gates"), "{:.0f}"),
        Column("depth", _mean("depth"), "{:.0f}"),
    ]
    notes = [
        "pairs: predictions made; s/20k: seconds per 20,000, in proportion. 2q gates, "
        "depth: of the ISA circuit on a device or its simulator, else of the logical circuit in "
        "u and cx. The seconds of a fit leave out models it was given fitted; -: a QPU was asked, "
        "whose seconds `qrec status RUN` shows."
    ]
    return build_table("What it costs", columns, _groups(rows), notes)


def _accuracy_notes(rows: Sequence[ComparisonRow]) -> list[str]:
    """Say only what the table needs to be read."""
    notes = ["±: standard error, clustered by user."]
    if any(row.repeat for row in rows):
        notes.append("Means over the repeats; ± is that of one repeat, as they share ratings.")
    floors = {row.noise_floor for row in rows if row.scored_on == "test"} - {None}
    if floors:
        full = max(rows, key=lambda row: (row.scored_on == "test", row.n_predictions))
        notes.append(f"Noise floor: RMSE {full.noise_floor:.4f}; nothing honest goes below it.")
    if any(row.best_classical for row in rows):
        notes.append("*  best classical row")
    nothing = dict.fromkeys(_said_of(row) for row in rows if not row.coverage)
    if nothing:
        notes.append(f"Scored no pair at all: {', '.join(nothing)}.")
    if any(set(row.flags) & set(SUSPICIOUS) for row in rows):
        notes.append(
            "!  suspicious: RMSE under the noise floor, or MAE/RMSE below "
            ".65, which the errors of honest predictions do not show (theirs is about .8)"
        )
    cut = [name for row in rows[:1] for name in row.metric_names if "@" in name]
    if cut:
        notes.append(
            f"{', '.join(cut)}: protocol {PROTOCOL}, of a user's test ratings alone; kind ranking "
            "ranks the full catalogue."
        )
    if any(NOT_HELD_OUT in row.flags for row in rows):
        notes.append("T  scored on ratings it was fitted on, too: no held-out figure")
    chosen = [_chosen(row) for row in rows if row.chosen and row.repeat == 0]
    if chosen:
        notes.append(f"Chosen on validation: {'; '.join(dict.fromkeys(chosen))}.")
    sampled = {row.n_predictions for row in rows if row.shots is not None}
    if sampled:
        drawn = "/".join(map(str, sorted(sampled)))
        notes.append(f"Rows with shots predict a sample of {drawn} pairs: compare below, not here.")
    return notes


def _said_of(row: ComparisonRow) -> str:
    return row.recommender if row.backend is None else f"{row.recommender} on {row.backend}"


def _chosen(row: ComparisonRow) -> str:
    values = ", ".join(f"{name}={value}" for name, value in row.chosen.items())
    return f"{row.recommender}: {values} (RMSE there {row.validation_rmse:.4f})"


def _groups(rows: Sequence[ComparisonRow]) -> list[Group]:
    """Return the rows of all repeats together, by recommender and backend."""
    keys = dict.fromkeys((row.recommender, row.backend) for row in rows)
    return [[r for r in rows if (r.recommender, r.backend) == key] for key in keys]


def _name(group: Group) -> str:
    flags = {flag for row in group for flag in row.flags}
    marks = "*" if any(row.best_classical for row in group) else ""
    marks += "!" if flags & set(SUSPICIOUS) else ""
    marks += "T" if NOT_HELD_OUT in flags else ""
    return f"{group[0].recommender} {marks}".strip()


_NAMES: list[Column[Group]] = [
    Column("recommender", _name, text=True),
    Column("backend", lambda group: group[0].backend, text=True),
]


def _mean(name: str) -> Callable[[Group], float | None]:
    return lambda group: _mean_of([getattr(row, name) for row in group])


def _mean_metric(name: str) -> Callable[[Group], float | None]:
    return lambda group: _mean_of([row.metrics[name] for row in group])


def _mean_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _metric_column(name: str) -> Column[Group]:
    metric = find_metric(name)
    value, stderr = _mean_metric(name), _mean_metric(f"{name}_stderr")

    def cell(group: Group) -> str:
        mean = value(group)
        if mean is None:
            return "-"
        return f"{metric.format.format(mean)}±{short_stderr(stderr(group))}"

    return Column(metric.header, cell)


def _against(group: Group, name: str) -> str | None:
    value, stderr = (_mean(f"rmse_minus_{name}{end}")(group) for end in ("", "_stderr"))
    return None if value is None else f"{value:+.4f}±{short_stderr(stderr)}"


def _range(group: Group) -> str | None:
    if all(row.prediction_min is None for row in group):
        return None
    ends = (_mean(f"prediction_{end}")(group) for end in ("min", "max"))
    return "-".join(number(end, 2) for end in ends)


def _seconds_per(group: Group) -> float | None:
    taken = [(row.predict_seconds, row.n_predictions) for row in group]
    return _mean_of([None if seconds is None else _PER * seconds / n for seconds, n in taken])
