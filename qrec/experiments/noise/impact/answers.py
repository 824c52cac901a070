"""What the rows of a noise impact answer, in sentences, whichever way that is."""

from collections.abc import Sequence

from qrec.experiments.fair.rows import BETTER, WORSE
from qrec.experiments.noise.impact.rows import ImpactRow, NeededRow, ThresholdRow
from qrec.experiments.noise.impact.said import difference, found, needed, strength
from qrec.experiments.noise.impact.spec import ALL, NONE
from qrec.experiments.noise.impact.variants import MITIGATION, SOURCE
from qrec.types import Row, of_type

_SOURCES = {
    "readout": "read-out errors",
    "one_qubit": "errors of one-qubit gates",
    "two_qubit": "errors of two-qubit gates",
    "idle": "the decay of waiting qubits",
}


def impact_answer(rows: Sequence[Row]) -> list[str]:
    """Say which noise costs each row most, when it loses, how many shots, and what mends it."""
    impact = of_type(ImpactRow, rows)
    thresholds = of_type(ThresholdRow, rows)
    said = [_source(_own(impact, row.recommender, SOURCE)) for row in thresholds]
    said += [_threshold(row) for row in thresholds]
    said += [_shots(row) for row in of_type(NeededRow, rows) if row.source == ALL]
    for threshold in thresholds:
        said += _mitigation(_own(impact, threshold.recommender, MITIGATION))
    return said


def _own(rows: Sequence[ImpactRow], label: str, section: str) -> list[ImpactRow]:
    return [row for row in rows if row.recommender == label and row.section == section]


def _source(rows: Sequence[ImpactRow]) -> str:
    """Say what all noise does to a recommender, and which part of it costs most."""
    [whole] = [row for row in rows if row.source == ALL]
    parts = [row for row in rows if row.source not in (ALL, NONE)]
    label, text = whole.recommender, difference(whole.minus_exact, whole.low, whole.high)
    said = f"{label} under all noise: {text}, {_verdict(whole)}"
    worse = [row for row in parts if _verdict(row) == WORSE]
    if worse:
        most = max(worse, key=lambda row: row.minus_exact or 0.0)
        text = difference(most.minus_exact, most.low, most.high)
        return f"{said}; alone, {_SOURCES[most.source]} cost most: {text}."
    return f"{said}; no part of it alone makes the RMSE worse."


def _threshold(row: ThresholdRow) -> str:
    if row.scale == 0:
        return f"{row.recommender} is behind {row.against} without any noise."
    return f"{row.recommender} falls behind {row.against} at {strength(row)} times the noise."


def _shots(row: NeededRow) -> str:
    if row.shots is None:
        return f"{row.recommender}: no number of shots was found to suffice."
    seconds = "" if row.qpu_seconds is None else f", {row.qpu_seconds:,.0f} QPU s for all pairs"
    return (
        f"{row.recommender} needs {needed(row)} shots under all noise for a loss of "
        f"{row.wanted_loss:g} by shots{seconds}."
    )


def _mitigation(rows: Sequence[ImpactRow]) -> list[str]:
    """Say which mitigations make a recommender better, and what the best costs."""
    if not rows:
        return []
    label = rows[0].recommender
    better = [row for row in rows if _gain(row) == BETTER]
    if not better:
        names = ", ".join(f"{row.mitigation} ({_gain(row)})" for row in rows)
        return [f"No mitigation helps {label}: {names}."]
    best = min(better, key=lambda row: row.minus_unmitigated or 0.0)
    text = difference(best.minus_unmitigated, best.low_unmitigated, best.high_unmitigated)
    return [
        f"Mitigation helps {label} most by {best.mitigation}: {text}, for "
        f"{best.shots_factor:.2g} times the executions."
    ]


def _verdict(row: ImpactRow) -> str:
    return found(row.minus_exact, row.low, row.high)


def _gain(row: ImpactRow) -> str:
    return found(row.minus_unmitigated, row.low_unmitigated, row.high_unmitigated)
