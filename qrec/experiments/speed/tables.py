"""The tables of `speed`, from the rows of races and of the machine."""

from collections.abc import Sequence
from itertools import groupby

from qrec.analysis.table import Column, Table, build_table
from qrec.experiments.speed.machine import RateRow
from qrec.experiments.speed.race import RaceRow

_NOT_THERE = "missing"


def race_tables(title: str, rows: Sequence[RaceRow], rounds: int) -> list[Table]:
    """Return a table per race; the first says how all were timed."""
    tables = [race_table(list(group)) for _, group in groupby(rows, key=lambda row: row.race)]
    if tables:
        first = tables[0]
        notes = [
            f"CPU time, medians of {rounds} rounds in turns, after a first call that is not "
            "counted; fewer rounds where they take more than 10 s. One thread and one core for "
            "all. times: the first row's rate over this one's. same bits: the rate of qrec's "
            "first row of that precision over this one's.",
            *first.notes,
        ]
        tables[0] = Table(f"{title}\n\n{first.title}", first.columns, first.rows, notes)
    return tables


def race_table(rows: Sequence[RaceRow]) -> Table:
    """Return the table of one race."""
    columns: list[Column[RaceRow]] = [
        Column("who", lambda row: row.who, text=True),
        Column("bits", lambda row: row.bits),
        Column("per second", lambda row: _NOT_THERE if row.missing else _rate(row.per_second)),
        Column("times", lambda row: row.ratio, _times),
        Column("same bits", lambda row: row.ratio_same_bits, _times),
        Column("goal", _goal),
    ]
    missing = dict.fromkeys(row.missing for row in rows if row.missing)
    notes = [f"{_NOT_THERE}: {why}" for why in missing]
    if any(row.epoch_seconds is not None for row in rows):
        columns.append(Column("epoch s", lambda row: row.epoch_seconds, _rate))
        notes.append("epoch: of 60,000 samples, in proportion to the step that was timed.")
    return build_table(rows[0].work, columns, rows, notes)


def goal_table(rows: Sequence[RaceRow]) -> Table:
    """Return every goal and whether it was met."""
    columns: list[Column[RaceRow]] = [
        Column("race", lambda row: row.race, text=True),
        Column("against", lambda row: row.who, text=True),
        Column("found", lambda row: _reached(row)[0]),
        Column("goal", _goal),
        Column("met", lambda row: "yes" if _reached(row)[1] else "no"),
    ]
    aimed = [row for row in rows if not row.missing and (row.at_least or row.rate_goal)]
    return build_table("Goals", columns, aimed)


def machine_table(rows: Sequence[RateRow]) -> Table:
    """Return what one core of this machine does."""
    columns: list[Column[RateRow]] = [
        Column("what", lambda row: row.what, text=True),
        Column("rate", lambda row: row.rate, "{:,.1f}"),
        Column("unit", lambda row: row.unit),
    ]
    notes = [
        "memory: arrays of 256 MiB; cache: of 1 MiB, as the engine's chunks. Bytes are those read "
        "and those written; a GEMM's operations are multiplications and additions."
    ]
    return build_table("What one core of this machine does", columns, rows, notes)


def limit_table(rows: Sequence[RaceRow], rates: Sequence[RateRow]) -> Table:
    """Return how the engine's own time divides, at the rates that this machine can reach."""
    machine = {row.what: row.rate for row in rates}

    def shares(row: RaceRow) -> list[float]:
        found = [giga / machine[what] for what, giga in (row.giga or {}).items()]
        return [*found, 1 - sum(found)]

    columns: list[Column[RaceRow]] = [
        Column("race", lambda row: row.race, text=True),
        Column(
            "who", lambda row: row.who.removeprefix("qrec ").removesuffix(", double"), text=True
        ),
        Column("bits", lambda row: row.bits),
        Column("GEMM", lambda row: 100 * shares(row)[0], "{:.0f} %"),
        Column("copy", lambda row: 100 * shares(row)[1], "{:.0f} %"),
        Column("sines", lambda row: 100 * shares(row)[2], "{:.0f} %"),
        Column("rest", lambda row: 100 * shares(row)[3], "{:.0f} %"),
    ]
    notes = [
        "Of the time that is taken, the part that its matrix products would take at the rate of "
        "16 x 16 blocks (table: of a large GEMM), its passes over numbers at that of a copy in "
        "cache (all pairs: their results, in memory), and its sines and cosines; on "
        "paper, from the plan, one after the other. The rest is the limit not reached: calls, "
        "short rows, parameter rows that are read and turned. Billions per second: rows.csv."
    ]
    title = "How far from the limit of this machine"
    return build_table(title, columns, [row for row in rows if row.giga], notes)


def _reached(row: RaceRow) -> tuple[str, bool]:
    """Return what a race with a goal reached, and whether that meets the goal."""
    assert row.per_second is not None
    if row.rate_goal:
        return f"{row.per_second:.2g}/s", row.per_second >= row.rate_goal
    assert row.ratio is not None
    assert row.at_least is not None
    return _times(row.ratio), row.ratio >= row.at_least


def _goal(row: RaceRow) -> str | None:
    if row.rate_goal:
        return f"{row.rate_goal:.2g}/s"
    return f"{row.at_least:,.0f}x" if row.at_least else None


def _rate(value: float | None) -> str:
    assert value is not None
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _times(value: float) -> str:
    return f"{value:,.0f}x" if value >= 100 else f"{value:.2g}x"
