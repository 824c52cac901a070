"""The tables of `speed`, from the rows of races and of the machine."""

from itertools import groupby

from qrec.analysis.table import Table
from qrec.experiments._tasks import Row

_NOT_THERE = "missing"


def race_tables(title: str, rows: list[Row], rounds: int) -> list[Table]:
    """Return a table per race; the first says how all were timed."""
    raced = [row for row in rows if "race" in row]
    tables = [race_table(list(group)) for _, group in groupby(raced, key=lambda row: row["race"])]
    if tables:
        first = tables[0]
        notes = [
            f"Medians of {rounds} rounds in turns, after a first call that is not counted; fewer "
            "rounds where they take more than 10 s. One thread and one core for all. times: the "
            "first row's rate over this one's. same bits: the rate of qrec's first row of that "
            "precision over this one's.",
            *first.notes,
        ]
        tables[0] = Table(f"{title}\n\n{first.title}", first.columns, first.rows, notes)
    return tables


def race_table(rows: list[Row]) -> Table:
    """Return the table of one race."""
    trains = any("epoch_seconds" in row for row in rows)
    columns = ["who", "bits", "per second", "times", "same bits", "goal"]
    body, notes = [], []
    for row in rows:
        line = [row["who"], str(row["bits"])]
        if "missing" in row:
            body.append([*line, _NOT_THERE, "-", "-", _goal(row)] + ["-"] * trains)
            note = f"{_NOT_THERE}: {row['missing']}"
            if note not in notes:
                notes.append(note)
            continue
        line += [_rate(row["per_second"])]
        line += [_times(row.get(key)) for key in ("ratio", "ratio_same_bits")]
        body.append([*line, _goal(row)] + ([_rate(row["epoch_seconds"])] if trains else []))
    if trains:
        columns.append("epoch s")
        notes.append("epoch: of 60,000 samples, in proportion to the step that was timed.")
    return Table(rows[0]["work"], columns, body, notes)


def goal_table(rows: list[Row]) -> Table:
    """Return every goal and whether it was met."""
    body = []
    for row in rows:
        if "missing" in row or not (row.get("at_least") or row.get("rate_goal")):
            continue
        if row.get("rate_goal"):
            found, goal = f"{row['per_second']:.2g}/s", f"{row['rate_goal']:.0e}/s"
            met = row["per_second"] >= row["rate_goal"]
        else:
            found, goal = _times(row["ratio"]), _goal(row)
            met = row["ratio"] >= row["at_least"]
        body.append([row["race"], row["who"], found, goal, "yes" if met else "no"])
    columns = ["race", "against", "found", "goal", "met"]
    return Table("Goals", columns, body, n_text=2)


def machine_table(rows: list[Row]) -> Table:
    """Return what one core of this machine does."""
    body = [[r["what"], f"{r['rate']:,.1f}", r["unit"]] for r in rows if "what" in r]
    notes = [
        "memory: arrays of 256 MiB; cache: of 1 MiB, as the engine's chunks. Bytes are those read "
        "and those written; a GEMM's operations are multiplications and additions."
    ]
    return Table("What one core of this machine does", ["what", "rate", "unit"], body, notes)


def limit_table(rows: list[Row]) -> Table:
    """Return how the engine's own time divides, at the rates that this machine can reach."""
    machine = {row["what"]: row["rate"] for row in rows if "what" in row}
    body = []
    for row in rows:
        if "giga" in row:
            shares = [giga / machine[what] for what, giga in row["giga"].items()]
            who = row["who"].removeprefix("qrec ").removesuffix(", double")
            cells = [f"{100 * share:.0f} %" for share in (*shares, 1 - sum(shares))]
            body.append([row["race"], who, str(row["bits"]), *cells])
    notes = [
        "Of the time that is taken, the part that its matrix products would take at the rate of "
        "16 x 16 blocks (table: of a large GEMM), its passes over numbers at that of a copy in "
        "cache (all pairs: their results, in memory), and its sines and cosines; on "
        "paper, from the plan, one after the other. The rest is the limit not reached: calls, "
        "short rows, parameter rows that are read and turned. Billions per second: results.csv."
    ]
    columns = ["race", "who", "bits", "GEMM", "copy", "sines", "rest"]
    return Table("How far from the limit of this machine", columns, body, notes, n_text=2)


def _goal(row: Row) -> str:
    if row.get("rate_goal"):
        return f"{row['rate_goal']:.0e}/s"
    return f"{row['at_least']:,.0f}x" if row.get("at_least") else "-"


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _times(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}x" if value >= 100 else f"{value:.2g}x"
