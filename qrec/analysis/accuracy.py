"""The tables of a comparison, each at most 80 columns wide."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from qrec.analysis.rows import NOT_HELD_OUT, SUSPICIOUS
from qrec.analysis.table import Table, number

Row = dict[str, Any]
_PER = 20_000  # predictions that the speed column speaks of
_NAMES = ["recommender", "backend"]


def accuracy_table(heading: Sequence[str], rows: Sequence[Row]) -> Table:
    """Return errors, coverage and range of predictions; `heading` says on what."""
    groups = _groups(rows)
    body = [
        [
            *_names(group),
            number(_mean(group, "shots"), 0),
            _with_error(group, "rmse"),
            _with_error(group, "mae"),
            number(_mean(group, "coverage"), 3),
            f"{number(_mean(group, 'prediction_min'), 2)}-"
            f"{number(_mean(group, 'prediction_max'), 2)}",
        ]
        for group in groups
    ]
    columns = [*_NAMES, "shots", "RMSE", "MAE", "cover", "range"]
    return Table("\n".join(heading), columns, body, _accuracy_notes(rows), n_text=2)


def same_pairs_table(rows: Sequence[Row]) -> Table:
    """Return rows on a sample of pairs beside what others reach on exactly those pairs."""
    groups = [group for group in _groups(rows) if group[0]["shots"] is not None]
    body = [
        [
            *_names(group),
            number(_mean(group, "n_predictions"), 0),
            number(_mean(group, "rmse"), 4),
            _against(group, "exact"),
            _against(group, "classical"),
        ]
        for group in groups
    ]
    columns = [*_NAMES, "pairs", "RMSE", "minus exact", "minus best"]
    notes = [
        "RMSE minus that of the same model evaluated exactly, and of the best classical row, on "
        "the same pairs; the standard errors are those of paired errors."
    ]
    return Table(
        "What shots and noise do, on a sample of the test pairs", columns, body, notes, n_text=2
    )


def cost_table(rows: Sequence[Row]) -> Table:
    """Return seconds and what the circuits cost."""
    body = [
        [
            *_names(group),
            number(_mean(group, "n_predictions"), 0),
            number(_mean(group, "fit_seconds"), 2),
            _seconds_per(group),
            *(number(_mean(group, key), 0) for key in ("qubits", "two_qubit_gates", "depth")),
        ]
        for group in _groups(rows)
    ]
    columns = [*_NAMES, "pairs", "fit s", "s/20k", "qubits", "2q gates", "depth"]
    notes = [
        "pairs: predictions made; s/20k: seconds per 20,000, in proportion. 2q gates, "
        "depth: of the ISA circuit on a device or its simulator, else of the logical circuit in "
        "u and cx. The seconds of a fit leave out models it was given fitted."
    ]
    return Table("What it costs", columns, body, notes, n_text=2)


def _accuracy_notes(rows: Sequence[Row]) -> list[str]:
    """Say only what the table needs to be read."""
    notes = ["±: standard error, clustered by user."]
    if any(row["repeat"] for row in rows):
        notes.append("Means over the repeats; ± is that of one repeat, as they share ratings.")
    floors = {row["noise_floor"] for row in rows if row["scored_on"] == "test"} - {None}
    if floors:
        full = max(rows, key=lambda row: (row["scored_on"] == "test", row["n_predictions"]))
        notes.append(f"Noise floor: RMSE {full['noise_floor']:.4f}; nothing honest goes below it.")
    if any(row["best_classical"] for row in rows):
        notes.append("*  best classical row")
    if any(set(row["flags"]) & set(SUSPICIOUS) for row in rows):
        notes.append(
            "!  suspicious: RMSE under the noise floor, or MAE/RMSE below "
            ".65, which the errors of honest predictions do not show (theirs is about .8)"
        )
    if any(NOT_HELD_OUT in row["flags"] for row in rows):
        notes.append("T  scored on ratings it was fitted on, too: no held-out figure")
    chosen = [_chosen(row) for row in rows if row["chosen"] and row["repeat"] == 0]
    if chosen:
        notes.append(f"Chosen on validation: {'; '.join(dict.fromkeys(chosen))}.")
    sampled = {row["n_predictions"] for row in rows if row["shots"] is not None}
    if sampled:
        drawn = "/".join(map(str, sorted(sampled)))
        notes.append(f"Rows with shots predict a sample of {drawn} pairs: compare below, not here.")
    return notes


def _chosen(row: Row) -> str:
    values = ", ".join(f"{name}={value}" for name, value in row["chosen"].items())
    return f"{row['recommender']}: {values} (RMSE there {row['validation_rmse']:.4f})"


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the rows of all repeats together, by recommender and backend."""
    keys = dict.fromkeys((row["recommender"], row["backend"]) for row in rows)
    return [[r for r in rows if (r["recommender"], r["backend"]) == key] for key in keys]


def _names(group: Sequence[Row]) -> list[str]:
    flags = {flag for row in group for flag in row["flags"]}
    marks = "*" if any(row["best_classical"] for row in group) else ""
    marks += "!" if flags & set(SUSPICIOUS) else ""
    marks += "T" if NOT_HELD_OUT in flags else ""
    return [f"{group[0]['recommender']} {marks}".strip(), group[0]["backend"] or "-"]


def _mean(group: Sequence[Row], key: str) -> float | None:
    values = [row[key] for row in group if row[key] is not None]
    return float(np.mean(values)) if values else None


def _with_error(group: Sequence[Row], key: str) -> str:
    stderr = number(_mean(group, f"{key}_stderr"), 3).removeprefix("0")
    return f"{number(_mean(group, key), 4)}±{stderr}"


def _against(group: Sequence[Row], name: str) -> str:
    value, stderr = (_mean(group, f"rmse_minus_{name}{end}") for end in ("", "_stderr"))
    return "-" if value is None else f"{value:+.4f}±{number(stderr, 3).removeprefix('0')}"


def _seconds_per(group: Sequence[Row]) -> str:
    return f"{np.mean([_PER * row['predict_seconds'] / row['n_predictions'] for row in group]):.3g}"
