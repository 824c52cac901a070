"""What differs in the experiments of several runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qrec.analysis.table import Column, Table, build_table

ABSENT = "-"  # what is shown of a key that another experiment has


@dataclass(frozen=True)
class SpecDifference:
    """A dotted key of the experiments, as `--set` addresses it, and its value in each run."""

    key: str
    values: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` shows of it."""
        return asdict(self)


def spec_differences(specs: Sequence[Mapping[str, Any]]) -> list[SpecDifference]:
    """Return the keys in which experiments differ.

    Entries of a list that have labels are matched by label.
    """
    flat = [dict(_flat(spec)) for spec in specs]
    keys = dict.fromkeys(key for each in flat for key in each)
    found = [SpecDifference(key, [each.get(key, ABSENT) for each in flat]) for key in keys]
    return [one for one in found if len(set(one.values)) > 1]


def specs_table(differences: Sequence[SpecDifference], n_runs: int) -> Table:
    """Return the differences as a table, a column per run."""
    columns = [Column[SpecDifference]("key", lambda one: one.key, text=True)]
    for place in range(n_runs):
        columns.append(Column(f"run {place + 1}", _value(place), text=True))
    notes = [] if differences else ["Nothing."]
    return build_table("What differs in the experiments", columns, differences, notes)


def _value(place: int) -> Any:
    return lambda one: one.values[place]


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
