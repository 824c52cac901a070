"""Types that many rooms share."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from qrec.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Row:
    KEY: ClassVar[tuple[str, ...]] = ()
    VALUES: ClassVar[tuple[str, ...]] = ()

    def as_dict(self) -> dict[str, Any]:
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        if {f.name for f in fields(cls)} != set(content):
            raise ConfigError(f"{cls.__name__}: wrong fields {sorted(content)}")
        return cls(**content)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
