"""Sentences that say what the rows say, whichever way that is."""

import re
from collections.abc import Sequence

from qrec.experiments.fair.rows import (
    BETTER,
    CONTROL,
    NO_DIFFERENCE,
    WORSE,
    BucketRow,
    ChoiceRow,
    DifferenceRow,
    FairRow,
)

_LEADING_ZERO = re.compile(r"(?<=[+-])0\.")
_HELPED = {
    BETTER: "better than with that: beside it the quantum part helped",
    NO_DIFFERENCE: "no difference: the quantum part did not help",
    WORSE: "worse than with that: the quantum part did not help",
}


def interval_text(value: float, low: float, high: float) -> str:
    """Return a difference with its interval, four decimals and no zeros before them."""
    return _LEADING_ZERO.sub(".", f"{value:+.4f} [{low:+.4f},{high:+.4f}]")


def choice_sentence(choice: ChoiceRow) -> str:
    """Say which row is the best classical one, how that was chosen, and what hindsight says."""
    by = "the main protocol's validation ratings"
    if choice.validation_rmse is not None:
        by = f"validation ratings (RMSE {choice.validation_rmse:.4f} there)"
    hindsight = "It is the best on the test ratings too."
    if choice.best_on_test != choice.best_classical:
        hindsight = (
            f"Chosen on the test ratings it would be {choice.best_on_test} "
            f"({choice.test_rmse:.4f}): a choice that nobody can make beforehand, and whose luck "
            "every other row would be measured against."
        )
    return f"Best classical row (*): {choice.best_classical}, chosen on {by}. {hindsight}"


def family_sentences(rows: Sequence[FairRow]) -> list[str]:
    """Say of the best quantum and the best hybrid row how they stand to the best classical one.

    Which of a family is best is seen on the test ratings here, in favour of that family.
    """
    said = []
    for family in ("quantum", "hybrid"):
        of_family = [row for row in rows if row.family == family]
        if of_family:
            best = min(of_family, key=lambda row: row.rmse)
            found = interval_text(best.minus_best_classical, best.low, best.high)
            said.append(
                f"Best {family} row: {best.recommender}, {best.rmse:.4f}; minus the best "
                f"classical row {found}: {best.verdict}."
            )
    return said


def control_sentence(row: DifferenceRow) -> str:
    """Answer for one control whether the quantum part helped."""
    answer = _HELPED.get(row.verdict, row.verdict)
    return (
        f"{row.recommender} with {row.instead} in the place of its quantum part ({row.against}): "
        f"{interval_text(row.difference, row.low, row.high)}; {answer}."
    )


def help_sentences(rows: Sequence[DifferenceRow]) -> list[str]:
    """Answer for every row with controls whether its quantum part helped against all of them."""
    said = []
    for label in dict.fromkeys(row.recommender for row in rows if row.role == CONTROL):
        own = [row for row in rows if row.recommender == label and row.role == CONTROL]
        beaten = [row for row in own if row.verdict == BETTER]
        others = ", ".join(f"{row.against} ({row.verdict})" for row in own if row not in beaten)
        if others:
            said.append(
                f"Did the quantum part help {label}? No: it is better than {len(beaten)} of its "
                f"{len(own)} controls, but not than {others}."
                if beaten
                else f"Did the quantum part help {label}? No: beside {others}."
            )
        else:
            all_of_them = f"all {len(own)} controls" if len(own) > 1 else "its one control"
            said.append(f"Did the quantum part help {label}? It is better than {all_of_them}.")
    return said


def share_sentence(label: str, against: str, cells: Sequence[tuple[str, DifferenceRow]]) -> str:
    """Say at which shares of the training ratings a row beats its control."""
    return _where(label, against, [(share, row.verdict) for share, row in cells], "of the training")


def bucket_sentence(rows: Sequence[BucketRow]) -> str:
    """Say for which users a row beats its control; all rows are of one recommender."""
    cells = [(bucket_name(row), row.verdict) for row in rows]
    return _where(rows[0].recommender, rows[0].against, cells, "training ratings a user")


def bucket_name(row: BucketRow) -> str:
    """Return how many training ratings the users of a row have."""
    return f"{row.at_least}+" if row.below is None else f"{row.at_least}-{row.below - 1}"


def _where(label: str, against: str, cells: Sequence[tuple[str, str]], of: str) -> str:
    better, worse = ([name for name, found in cells if found == v] for v in (BETTER, WORSE))
    said = f"better at {', '.join(better)} {of}" if better else "nowhere better"
    said += f"; worse at {', '.join(worse)}" if worse else ""
    return f"{label} beside {against}: {said}."
