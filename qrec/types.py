"""What many modules mean by an array, and by a row of results."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Self, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError

from qrec.errors import ConfigError

Array = NDArray[np.float64]
Codes = NDArray[np.int32]  # of users or items, counted from 0
AnyCodes = NDArray[np.integer]  # where any width will do

R = TypeVar("R", bound="Row")


@dataclass(frozen=True, kw_only=True)
class Row:
    """Base of the rows of results: what a step of an experiment found, for machines.

    `KEY` names the fields that say which row of a run it is, `VALUES` the measured ones that
    two runs are compared by; the standard error of one, if there is any, is the field called
    ``<value>_stderr``. A field that may be unknown is ``None`` or ``nan``; both are null on disk.
    """

    KEY: ClassVar[tuple[str, ...]] = ()
    VALUES: ClassVar[tuple[str, ...]] = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them: ``nan`` as None, tuples as lists."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Self:
        """Build the row again from what `as_dict` gave.

        Raises ConfigError for an unknown or missing field, or one of another type: nothing is
        converted but what JSON has no form for.
        """
        numbers = {name for name, hint in get_type_hints(cls).items() if hint is float}
        content = {k: math.nan if k in numbers and v is None else v for k, v in mapping.items()}
        kind: Any = cls  # mypy takes no type for hashable
        try:
            row: Self = _adapter(kind).validate_json(json.dumps(content), strict=True)
        except ValidationError as error:
            raise ConfigError(f"{cls.__name__}: {_explain(error, cls)}") from None
        return row


def of_type(kind: type[R], rows: Iterable[Row]) -> list[R]:
    """Return the rows of one type."""
    return [row for row in rows if isinstance(row, kind)]


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _explain(error: ValidationError, cls: type[Row]) -> str:
    """Say of each field what is wrong with it."""
    said = []
    for found in error.errors():
        name = ".".join(map(str, found["loc"]))
        if found["type"] == "unexpected_keyword_argument":
            known = ", ".join(field.name for field in fields(cls))
            said.append(f"unknown field {name!r}; known: {known}")
        elif found["type"] in ("missing", "missing_argument"):
            said.append(f"field {name!r} is missing")
        else:
            said.append(f"field {name!r} is {found['input']!r}: {found['msg']}")
    return "; ".join(said)
