"""Two runs on one self-contained page, side by side, and what differs in their experiments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qrec.analysis.figures import Figure
from qrec.analysis.html import as_yaml, inline, render
from qrec.analysis.specs import SpecDifference
from qrec.analysis.table import Table
from qrec.runs.files import write_text


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two runs: its resolved experiment and what it found."""

    id: str
    spec: Mapping[str, Any]
    answer: Sequence[str]
    tables: Sequence[Table]
    figures: Mapping[str, Figure]


def write_beside(
    path: Path,
    sides: tuple[Side, Side],
    differences: Sequence[SpecDifference],
    compared: Sequence[Table],
) -> None:
    """Write the page of two runs; `compared` are the tables of how their rows differ."""
    page = render(
        "beside.html.jinja",
        sides=[
            (side, as_yaml(side.spec), inline(side.figures, f"run{place}-"))
            for place, side in enumerate(sides, 1)
        ],
        differences=differences,
        compared=compared,
    )
    write_text(path, page)
