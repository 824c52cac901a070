"""Published figures, beside ours where the protocol is the same."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from qrec.analysis.table import Column, Table, build_table
from qrec.config import Spec, parse_fields, read_yaml
from qrec.experiments.fair.rows import FairRow

_FILE = Path(__file__).with_name("published.yaml")
_OURS = 3  # rows of ours that stand beside them


class PublishedRow(Spec):
    """A figure that somebody published, and under which protocol."""

    model: str
    rmse: Annotated[float, Field(gt=0)]
    mae: float | None
    same: bool  # the protocol is the fold's
    protocol: str
    source: str
    read: Literal["source", "quoted", "not again"]


class Published(Spec):
    """Figures on one data set, those of the `same` protocol on one of its folds."""

    schema_version: Literal[1]
    dataset: str
    fold: str
    rows: list[PublishedRow]


@cache
def published() -> Published:
    """Return the packaged figures."""
    return parse_fields(Published, read_yaml(_FILE), str(_FILE))


def published_table(dataset: Mapping[str, Any], rows: Sequence[FairRow]) -> Table | None:
    """Return published figures with our best rows of that fold among them, best first.

    None where the data set is another, or the fold was not run.
    """
    known = published()
    ours = [row for row in rows if row.protocol == known.fold and row.seed is not None]
    if dataset["name"] != known.dataset or not ours:
        return None
    lines = [_line(row) for row in known.rows if row.same]
    for family in ("classical", "quantum", "hybrid"):
        of_family = sorted((row for row in ours if row.family == family), key=lambda row: row.rmse)
        lines += [
            (f"qrec: {row.recommender}", row.rmse, row.mae, f"{family}; this run")
            for row in of_family[:_OURS]
        ]
    columns: list[Column[_Line]] = [
        Column("model", lambda line: line[0], text=True),
        Column("RMSE", lambda line: line[1], "{:.4f}"),
        Column("MAE", lambda line: line[2], "{:.3f}"),
    ]
    notes = [f"{line[0]}: {line[3]}." for line in lines if not line[0].startswith("qrec")]
    notes += [
        f"Not beside them, as the protocol is another: {row.model}, {row.rmse:.4g} "
        f"({row.protocol}; {row.source})."
        for row in known.rows
        if not row.same
    ]
    notes.append(
        f"The best {_OURS} of ours by family, picked on {known.fold}'s test part for this table "
        "alone. One RMSE on it is known to about ±.01, so that neighbours here tie."
    )
    title = f"Published figures of the same protocol: {known.fold}.base / {known.fold}.test"
    return build_table(title, columns, sorted(lines, key=lambda line: line[1]), notes)


_Line = tuple[str, float, float | None, str]


def _line(row: PublishedRow) -> _Line:
    said = "" if row.read == "source" else f", {row.read} here" if row.read == "quoted" else ""
    return row.model, row.rmse, row.mae, f"{row.protocol} ({row.source}{said})"
