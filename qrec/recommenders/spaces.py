"""Which values tuning tries: ranges and choices, beside the parameters in a class's signature."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Annotated, Any, Self, get_args, get_origin, get_type_hints

from pydantic import model_validator

from qrec.config import Spec
from qrec.errors import ConfigError
from qrec.recommenders.parameters import check_parameters, takes_integers_alone

if TYPE_CHECKING:
    from qrec.recommenders.base import Recommender


class Range(Spec):
    """The numbers from `low` to `high`, both among them; with `log` each factor is as likely."""

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low is {self.low}, expected less than high, {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low is {self.low}, expected more than 0 where log is true")
        return self

    def holds(self, value: Any) -> bool:
        """Return whether a value lies in it."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high


@dataclass(frozen=True)
class Choices:
    """The values among which tuning chooses, in a signature."""

    values: tuple[Any, ...]


Space = Mapping[str, Range | list[Any]]


def default_space(cls: "type[Recommender]") -> dict[str, Range | list[Any]]:
    """Return what tuning tries for a class where nothing else is said, by parameter.

    It stands in the signature: ``reg: Annotated[float, Ge(0), Range(low=0.01, high=1)] = 0.1``.
    """
    found: dict[str, Range | list[Any]] = {}
    for name, hint in get_type_hints(cls.__init__, include_extras=True).items():
        extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        for extra in extras:
            if isinstance(extra, Range):
                found[name] = extra
            elif isinstance(extra, Choices):
                found[name] = list(extra.values)
    return found


def checked_range(cls: "type[Recommender]", name: str, values: Range) -> Range:
    """Return a range as the parameter takes it, of integers where it takes these alone.

    Raises ConfigError where an end is no value of the parameter.
    """
    check_parameters(cls, {name: values.low})
    check_parameters(cls, {name: values.high})
    if takes_integers_alone(cls, name):
        return values
    return Range(low=float(values.low), high=float(values.high), log=values.log)


def check_holds(name: str, values: Range | list[Any], default: Any) -> None:
    """Raise ConfigError where what is tried does not hold the default, which is the first trial."""
    if values.holds(default) if isinstance(values, Range) else default in values:
        return
    found = f"{values.low:g} to {values.high:g}" if isinstance(values, Range) else str(values)
    raise ConfigError(f"{name}: {found} does not hold {default!r}, with which the trials begin")


def default_of(cls: "type[Recommender]", name: str) -> Any:
    """Return the default of a parameter. Raises ConfigError where it has none."""
    default = signature(cls).parameters[name].default
    if default is Parameter.empty:
        raise ConfigError(f"{name}: it has no default; give one in params, for the first trial")
    return default
