"""What the rows of a comparison answer, in sentences, whichever way that is."""

from collections.abc import Sequence

import numpy as np

from qrec.analysis.compare import DifferenceRow
from qrec.analysis.rows import NOT_HELD_OUT, ComparisonRow
from qrec.analysis.samples import Sample

_SAME = 1e-6  # rating units; two ways to the same numbers differ by rounding alone
_ONLY_MEAN = 0.1  # of the true ratings' standard deviation


def comparison_answer(
    rows: Sequence[ComparisonRow], differences: Sequence[DifferenceRow], samples: Sequence[Sample]
) -> list[str]:
    """Return sentences about repeat 0: against the best row, equal rows, noise, and spread.

    `samples` are those that `rows` and `differences` were made of.
    """
    said = [_against_best(rows, differences), *_equal(samples)]
    said += [_cost_of_noise(differences), _only_mean(samples)]
    return [sentence for sentence in said if sentence]


def _against_best(rows: Sequence[ComparisonRow], differences: Sequence[DifferenceRow]) -> str:
    """Say which quantum rows on all pairs are better than the best classical row."""
    best = next((row for row in rows if row.best_classical and row.repeat == 0), None)
    own = {
        (row.recommender, row.backend)
        for row in rows
        if row.family == "quantum" and row.shots is None and NOT_HELD_OUT not in row.flags
    }
    found = [row for row in differences if (row.recommender, row.backend) in own]
    known = [row for row in found if row.low_classical is not None]
    if best is None or not known:
        return ""
    rmse = best.metrics["rmse"]
    place = f"{best.recommender} (RMSE {_short(rmse, '.4f')})"
    better = [row for row in known if row.high_classical is not None and row.high_classical < 0]
    equal = [row for row in known if row not in better and (row.low_classical or 0) <= 0]
    if better:
        return f"Better than the best classical row, {place}: {_differences(better)}."
    said = f"No quantum row beats {place}, the best classical row"
    if equal:
        return f"{said}; not told apart from it: {_differences(equal)}."
    nearest = min(known, key=lambda row: row.rmse_minus_classical or 0)
    return f"{said}; the nearest is {_differences([nearest])}."


def _equal(samples: Sequence[Sample]) -> list[str]:
    """Say of quantum rows on all pairs with which classical row's numbers they agree."""
    whole = [s for s in samples if s.notes["repeat"] == 0 and s.notes["shots"] is None]
    said = []
    for sample in (s for s in whole if s.notes["family"] == "quantum"):
        twins = [
            other.notes["recommender"]
            for other in whole
            if other.notes["family"] == "classical" and _same(sample, other)
        ]
        if twins:
            said.append(f"{sample.notes['recommender']} equals {' and '.join(twins)}.")
    return list(dict.fromkeys(said))


def _same(one: Sample, other: Sample) -> bool:
    if len(one.user) != len(other.user) or not np.array_equal(one.item, other.item):
        return False
    return bool(np.allclose(one.prediction, other.prediction, rtol=0, atol=_SAME, equal_nan=True))


def _cost_of_noise(differences: Sequence[DifferenceRow]) -> str:
    """Say between which rows shots and noise cost least and most."""
    known = [row for row in differences if row.shots is not None and row.stderr_exact is not None]
    if not known:
        return ""
    ordered = sorted(known, key=lambda row: row.rmse_minus_exact or 0)
    if len(ordered) == 1:
        return f"Shots and noise cost {_noise(ordered[0])}."
    return f"Shots and noise cost from {_noise(ordered[0])} to {_noise(ordered[-1])}."


def _only_mean(samples: Sequence[Sample]) -> str:
    """Say which rows on all pairs hardly vary, beside those that are meant not to."""
    narrow = [
        f"{sample.notes['recommender']} ({np.nanstd(sample.prediction):.2g})"
        for sample in samples
        if sample.notes["repeat"] == 0
        and sample.notes["shots"] is None
        and sample.notes["family"] != "classical"
        and not np.isnan(sample.prediction).all()
        and np.nanstd(sample.prediction) < _ONLY_MEAN * sample.truth.std()
    ]
    if not narrow:
        return ""
    return (
        f"Little but the mean is predicted by {', '.join(dict.fromkeys(narrow))}: standard "
        f"deviation of predictions; of the true ratings {samples[0].truth.std():.2g}."
    )


def _differences(rows: Sequence[DifferenceRow]) -> str:
    return ", ".join(
        f"{_where(row)} {_short(row.rmse_minus_classical)} "
        f"[{_short(row.low_classical)}, {_short(row.high_classical)}]"
        for row in rows
    )


def _noise(row: DifferenceRow) -> str:
    error = _short(row.stderr_exact, ".3f")
    return f"{_short(row.rmse_minus_exact)} \N{PLUS-MINUS SIGN} {error} ({_where(row)})"


def _where(row: DifferenceRow) -> str:
    return f"{row.recommender} on {row.backend}" if row.backend else row.recommender


def _short(value: float | None, form: str = "+.3f") -> str:
    """Return a figure without a zero before its point; it is known where it is said."""
    assert value is not None
    sign, digits = ("", format(value, form))
    if digits[0] in "+-":
        sign, digits = digits[0], digits[1:]
    return sign + digits.removeprefix("0")
