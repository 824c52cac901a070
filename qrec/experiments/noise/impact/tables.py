"""The tables of a noise impact, each at most 80 columns wide."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qrec.analysis.table import Column, Table, build_table
from qrec.experiments.noise.impact.rows import DriftRow, ImpactRow, NeededRow, ThresholdRow
from qrec.experiments.noise.impact.said import MARKS_SAID, NAMES, difference, mark, needed, strength
from qrec.experiments.noise.impact.spec import ALL, NONE, NoiseImpactSpec
from qrec.experiments.noise.impact.variants import (
    BACKEND,
    CLASSICAL,
    DEVICE,
    MITIGATION,
    SHOTS,
    SOURCE,
    STRENGTH,
)
from qrec.types import Row, of_type

_Line = tuple[str, dict[float, ImpactRow]]
_Shots = tuple[str, str, dict[int | None, ImpactRow]]


def impact_tables(
    spec: NoiseImpactSpec, dataset: Mapping[str, Any], rows: Sequence[Row]
) -> list[Table]:
    """Return the table of each section that has rows."""
    impact = of_type(ImpactRow, rows)
    tables = [
        _source_table(spec, dataset, impact),
        _strength_table(spec, impact, of_type(ThresholdRow, rows)),
        _shots_table(impact),
        _needed_table(spec, of_type(NeededRow, rows)),
        _mitigation_table(impact),
        _device_table(impact),
        _drift_table(of_type(DriftRow, rows)),
        _backend_table(impact),
    ]
    return [table for table in tables if table.rows]


def _of(rows: Sequence[ImpactRow], *sections: str) -> list[ImpactRow]:
    return [row for row in rows if row.section in sections]


def _source_table(
    spec: NoiseImpactSpec, dataset: Mapping[str, Any], rows: Sequence[ImpactRow]
) -> Table:
    heading = [
        f"{spec.name}: {spec.title}",
        f"data set {dataset['name']}: {dataset['n_ratings']} ratings, {dataset['n_users']} users, "
        f"{dataset['n_items']} items; {spec.n_pairs} test pairs at most",
        f"device {spec.device}; infinitely many shots",
    ]
    columns: list[Column[ImpactRow]] = [
        Column("recommender", lambda row: row.recommender, text=True),
        Column("noise", _noise, text=True),
        Column("RMSE", lambda row: row.rmse, "{:.4f}"),
        *_minus_exact(),
        Column("Spearman", lambda row: row.spearman, "{:.4f}"),
        Column("nDCG@10", lambda row: row.ndcg, "{:.4f}"),
    ]
    notes = [
        f"{MARKS_SAID}. Minus exact: RMSE minus that of the same recommender without noise and "
        "shots, users drawn again. Spearman: rank correlation with its predictions."
    ]
    return build_table("\n".join(heading), columns, _of(rows, CLASSICAL, SOURCE), notes)


def _strength_table(
    spec: NoiseImpactSpec, rows: Sequence[ImpactRow], thresholds: Sequence[ThresholdRow]
) -> Table:
    lines: list[_Line] = []
    for label in dict.fromkeys(row.recommender for row in thresholds):
        own = [r for r in _of(rows, SOURCE, STRENGTH) if r.source == ALL and r.recommender == label]
        lines.append((label, {row.scale: row for row in own}))
    behind = {row.recommender: row for row in thresholds}
    columns: list[Column[_Line]] = [Column("recommender", lambda line: line[0], text=True)]
    columns += [Column(f"x {scale:g}", _at_scale(scale)) for scale in spec.scales]
    columns.append(Column("behind from x", lambda line: strength(behind[line[0]])))
    best = next(r for r in rows if r.recommender == spec.against)
    notes = [
        f"RMSE with all noise of the device times so much; beside {spec.against} "
        f"({best.rmse:.4f}): {MARKS_SAID}. Behind from: the strength at which the RMSE exceeds "
        f"that of {spec.against}, on straight lines between those tried, with its 95 % interval "
        "(users drawn again); 0 is behind without noise."
    ]
    return build_table("How strong may the noise be?", columns, lines, notes)


def _shots_table(rows: Sequence[ImpactRow]) -> Table:
    lines: dict[tuple[str, str], _Shots] = {}
    for row in _of(rows, SHOTS, SOURCE):
        if row.source in (NONE, ALL) and row.mitigation == NONE:
            key = row.recommender, row.source
            lines.setdefault(key, (*key, {}))[2][row.shots] = row
    counts = sorted({row.shots for row in _of(rows, SHOTS) if row.shots is not None})
    columns: list[Column[_Shots]] = [
        Column("recommender", lambda line: line[0], text=True),
        Column("noise", lambda line: NAMES[line[1]], text=True),
    ]
    columns += [Column(f"{n:,}", _at_shots(n)) for n in counts]
    columns.append(Column("infinite", _at_shots(None)))
    notes = [
        "Expected RMSE with so many shots of each reading, from the exact variance of one: what "
        "shots add to the mean squared error falls as 1/shots."
    ]
    return build_table("How many shots?", columns, list(lines.values()), notes)


def _needed_table(spec: NoiseImpactSpec, rows: Sequence[NeededRow]) -> Table:
    columns: list[Column[NeededRow]] = [
        Column("recommender", lambda row: row.recommender, text=True),
        Column("noise", lambda row: NAMES[row.source], text=True),
        Column("shots", needed),
        Column("executions", lambda row: row.executions, "{:.1e}"),
        Column("QPU s", lambda row: row.qpu_seconds, "{:,.0f}"),
    ]
    notes = [
        f"Shots of each reading that keep the RMSE within {spec.wanted_loss:g} of what infinitely "
        "many would give, with a 95 % interval (users drawn again); executions of all pairs, and "
        f"their time on the device of {spec.device}, pauses included."
    ]
    return build_table("Shots needed", columns, rows, notes)


def _mitigation_table(rows: Sequence[ImpactRow]) -> Table:
    columns: list[Column[ImpactRow]] = [
        Column("recommender", lambda row: row.recommender, text=True),
        Column("mitigation", lambda row: row.mitigation, text=True),
        Column("RMSE", lambda row: row.rmse, "{:.4f}"),
        Column("minus none", lambda row: difference(*_unmitigated(row))),
        Column("", lambda row: mark(*_unmitigated(row))),
        Column("Spearman", lambda row: row.spearman, "{:.4f}"),
        Column("circuits", lambda row: row.circuits),
        Column("once", lambda row: row.calibration),
        Column("shots x", lambda row: row.shots_factor, "{:.2f}"),
    ]
    notes = [
        f"{MARKS_SAID}, beside the same noise without mitigation. Circuits: run for each reading; "
        "once: readings beside, to calibrate. Shots x: how many times as many executions the same "
        "error by shots takes."
    ]
    return build_table("What does mitigation gain?", columns, _of(rows, MITIGATION), notes)


def _device_table(rows: Sequence[ImpactRow]) -> Table:
    found = sorted(_of(rows, DEVICE), key=lambda row: (row.recommender, row.minus_exact or 0.0))
    columns: list[Column[ImpactRow]] = [
        Column("recommender", lambda row: row.recommender, text=True),
        Column("device", lambda row: row.device, text=True),
        Column("calibrated", lambda row: row.calibrated and row.calibrated[:10], text=True),
        Column("RMSE", lambda row: row.rmse, "{:.4f}"),
        *_minus_exact(),
    ]
    notes = [f"Under all noise of each, the least loss first: {MARKS_SAID}."]
    return build_table("Across devices", columns, found, notes)


def _drift_table(rows: Sequence[DriftRow]) -> Table:
    columns: list[Column[DriftRow]] = [
        Column("recommender", lambda row: row.recommender, text=True),
        Column("device", lambda row: row.device, text=True),
        Column("calibrated", lambda row: row.calibrated[:10], text=True),
        Column("before", lambda row: row.earlier[:10], text=True),
        Column("RMSE", lambda row: row.rmse, "{:.4f}"),
        Column("minus before", lambda row: difference(*_from_before(row))),
        Column("", lambda row: mark(*_from_before(row))),
    ]
    notes = [f"One device, calibrated on two days: {MARKS_SAID}."]
    return build_table("Drift", columns, rows, notes)


def _backend_table(rows: Sequence[ImpactRow]) -> Table:
    columns: list[Column[ImpactRow]] = [
        Column("recommender", lambda row: row.recommender, text=True),
        Column("backend", lambda row: row.device, text=True),
        Column("noise", lambda row: NAMES.get(row.source, row.source), text=True),
        Column("shots", lambda row: row.shots, "{:,}"),
        Column("RMSE", lambda row: row.rmse, "{:.4f}"),
        *_minus_exact(),
        Column("Spearman", lambda row: row.spearman, "{:.4f}"),
        Column("executions", lambda row: row.executions, "{:,}"),
    ]
    notes = [
        f"On the same pairs, each entry as it is: {MARKS_SAID}. No waiting: all noise but that of "
        "qubits that wait."
    ]
    return build_table("On further backends", columns, _of(rows, BACKEND), notes)


def _minus_exact() -> list[Column[ImpactRow]]:
    return [
        Column("minus exact", lambda row: difference(*_from_exact(row))),
        Column("", lambda row: mark(*_from_exact(row))),
    ]


def _noise(row: ImpactRow) -> str:
    return "-" if row.section == CLASSICAL else NAMES[row.source]


def _from_exact(row: ImpactRow) -> tuple[float | None, float | None, float | None]:
    """Return the difference; None of what differs from nothing: a classical row, the exact one."""
    if row.section in (CLASSICAL, SOURCE) and row.source == NONE:
        return None, None, None
    return row.minus_exact, row.low, row.high


def _from_before(row: DriftRow) -> tuple[float, float, float]:
    return row.minus_earlier, row.low_earlier, row.high_earlier


def _unmitigated(row: ImpactRow) -> tuple[float | None, float | None, float | None]:
    return row.minus_unmitigated, row.low_unmitigated, row.high_unmitigated


def _at_scale(scale: float) -> Callable[[_Line], str | None]:
    def cell(line: _Line) -> str | None:
        row = line[1][scale]
        marked = mark(row.minus_against, row.low_against, row.high_against)
        return f"{row.rmse:.4f} {marked}"

    return cell


def _at_shots(shots: int | None) -> Callable[[_Shots], str]:
    return lambda line: f"{line[2][shots].rmse:.4f}"
