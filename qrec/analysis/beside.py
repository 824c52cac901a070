"""Two runs on one self-contained page, side by side, and what differs in their experiments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qrec.analysis.figures import Figure
from qrec.analysis.html import as_yaml, inline, render
from qrec.analysis.table import Table
from qrec.runs.files import write_text

ABSENT = "-"  # what is shown of a key that only the other experiment has


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two runs: its resolved experiment and what it found."""

    id: str
    spec: Mapping[str, Any]
    answer: Sequence[str]
    tables: Sequence[Table]
    figures: Mapping[str, Figure]


def write_beside(path: Path, sides: tuple[Side, Side], compared: Sequence[Table]) -> None:
    """Write the page of two runs; `compared` are the tables of how their rows differ."""
    one, other = sides
    page = render(
        "beside.html.jinja",
        sides=[
            (side, as_yaml(side.spec), inline(side.figures, f"run{place}-"))
            for place, side in enumerate(sides, 1)
        ],
        differences=spec_differences(one.spec, other.spec),
        compared=compared,
    )
    write_text(path, page)


def spec_differences(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Return the dotted keys in which two experiments differ, with both values.

    Entries of a list that have labels are matched by label, as `--set` addresses them.
    """
    first, second = dict(_flat(one)), dict(_flat(other))
    return [
        (key, first.get(key, ABSENT), second.get(key, ABSENT))
        for key in dict.fromkeys([*first, *second])
        if first.get(key) != second.get(key)
    ]


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    labelled = (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(entry, Mapping) and "label" in entry for entry in value)
    )
    if labelled:
        value = {entry["label"]: entry for entry in value}
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    else:
        yield key, str(value)
