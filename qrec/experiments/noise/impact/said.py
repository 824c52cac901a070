"""How tables and sentences of a noise impact write differences, strengths and numbers of shots."""

import math

from qrec.experiments.fair.answers import interval_text
from qrec.experiments.fair.rows import BETTER, NO_DIFFERENCE, TOO_FEW, WORSE, verdict
from qrec.experiments.noise.impact.rows import NeededRow, ThresholdRow
from qrec.metrics.bootstrap import Interval

_MARKS = {BETTER: "<", NO_DIFFERENCE: "=", WORSE: ">", TOO_FEW: "?"}
MARKS_SAID = "<  better, >  worse, =  no difference (the 95 % interval holds zero)"
NAMES = {
    "none": "none",
    "readout": "read-out",
    "one_qubit": "1q gates",
    "two_qubit": "2q gates",
    "idle": "waiting",
    "all": "all",
    "readout+one_qubit+two_qubit": "no waiting",
}


def found(value: float | None, low: float | None, high: float | None) -> str:
    """Return in words where a difference lies."""
    if value is None or low is None or high is None:
        return TOO_FEW
    return verdict(Interval(value, low, high))


def mark(value: float | None, low: float | None, high: float | None) -> str:
    """Return the mark of where a difference lies; nothing where there is none."""
    return "" if value is None else _MARKS[found(value, low, high)]


def difference(value: float | None, low: float | None, high: float | None) -> str | None:
    """Return a difference with its interval."""
    if value is None or low is None or high is None:
        return None
    return (
        f"{value:+.4f}".replace("0.", ".", 1)
        if math.isnan(low)
        else interval_text(value, low, high)
    )


def strength(row: ThresholdRow) -> str:
    """Return the strength of noise at which a row falls behind, with its interval."""
    value = _strength(row, None if math.isnan(row.scale) else row.scale)
    low, high = _strength(row, row.scale_low), _strength(row, row.scale_high)
    return f"{value} [{low}, {high}]" if row.known and low != high else value


def needed(row: NeededRow) -> str:
    """Return how many shots are needed, with their interval."""
    low, high = _count(row.shots_low), _count(row.shots_high)
    return f"{_count(row.shots)} [{low}, {high}]"


def _strength(row: ThresholdRow, value: float | None) -> str:
    return f"> {row.largest:g}" if value is None else f"{value:.2g}"


def _count(shots: int | None) -> str:
    return "-" if shots is None else f"{shots:,}"
