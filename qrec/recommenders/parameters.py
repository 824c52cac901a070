"""Checking hyper-parameters against the annotations of the signature."""

import operator
from collections.abc import Iterator, Mapping
from inspect import signature
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from qrec.errors import ConfigError
from qrec.registry import check_name

if TYPE_CHECKING:
    from qrec.recommenders.base import Recommender

REFERENCE = "@"  # in an experiment's file a base is another entry, by its label

_BOUNDS: dict[type, tuple[str, Any]] = {
    Ge: ("at least", operator.ge),  # nan compares false and keeps no bound
    Gt: ("more than", operator.gt),
    Le: ("at most", operator.le),
    Lt: ("less than", operator.lt),
}
_WORDS = {
    NoneType: "None",
    bool: "True or False",
    int: "an integer",
    float: "a number",
    str: "a string",
    Mapping: "a mapping",
}


def check_parameters(
    cls: "type[Recommender]", params: Mapping[str, Any], *, references: bool = True
) -> None:
    """Raise ConfigError for the first of `params` that the signature of `cls` does not allow.

    The message names class and parameter, what was found and what would be right. The bounds
    are the annotations: ``Annotated[int, Ge(1)]``, ``Literal["a", "b"]``, a class, ``| None``;
    a parameter without an annotation may be anything. With `references` a parameter that takes
    a recommender may also be ``@label``, another entry of the same experiment.
    """
    hints = get_type_hints(cls.__init__, include_extras=True)
    hints.pop("return", None)
    for name, value in params.items():
        check_name(name, list(signature(cls).parameters), f"parameter of {cls.__name__}")
        options = list(_options(hints.get(name, Any)))
        if any(_allows(option, value, references) for option in options):
            continue
        expected = " or ".join(dict.fromkeys(_said(option, references) for option in options))
        raise ConfigError(f"{cls.__name__}: {name} is {value!r}; expected {expected}")


def takes_integers_alone(cls: "type[Recommender]", name: str) -> bool:
    """Return whether a parameter takes integers and no other numbers."""
    hint = get_type_hints(cls.__init__, include_extras=True).get(name, Any)
    kinds = {_split(option)[0] for option in _options(hint)}
    return int in kinds and float not in kinds


def is_backend(parameter: str) -> bool:
    """Return whether a parameter of this name holds a backend."""
    return parameter == "backend" or parameter.endswith("_backend")


def check_at_most(model: "Recommender", name: str, highest: int, why: str) -> None:
    """Raise ConfigError when a hyper-parameter exceeds what others, or the ratings, allow."""
    value = getattr(model, name)
    if value > highest:
        raise ConfigError(
            f"{type(model).__name__}: {name} is {value!r}; expected at most {highest}, {why}"
        )


def _options(hint: Any) -> Iterator[Any]:
    """Yield the members of a union, and each choice of a `Literal`, annotated or not."""
    inner = get_args(hint)[0] if get_origin(hint) is Annotated else None
    if get_origin(inner) in (Union, UnionType, Literal):
        hint = inner
    if get_origin(hint) in (Union, UnionType):
        for member in get_args(hint):
            yield from _options(member)
    elif get_origin(hint) is Literal:
        yield from (Literal[choice] for choice in get_args(hint))
    else:
        yield hint


def _allows(option: Any, value: Any, references: bool) -> bool:
    if option is Any:
        return True
    if get_origin(option) is Literal:
        return bool(isinstance(value, str) and value in get_args(option))
    kind, bounds = _split(option)
    if kind is bool:
        return isinstance(value, bool | np.bool_)
    if kind in (int, float):
        number = isinstance(value, Integral if kind is int else Real)
        keeps = number and all(_BOUNDS[type(b)][1](value, _limit(b)) for b in bounds)
        return keeps and not isinstance(value, bool)
    if references and _is_recommender(kind) and isinstance(value, str):
        return value.startswith(REFERENCE)
    return isinstance(value, kind)


def _said(option: Any, references: bool) -> str:
    if get_origin(option) is Literal:
        return repr(get_args(option)[0])
    kind, bounds = _split(option)
    if references and _is_recommender(kind):
        return f"a {kind.__name__} or, in an experiment, {REFERENCE} and the label of another entry"
    words = _WORDS.get(kind) or f"a {kind.__name__}"
    limits = [f"{_BOUNDS[type(b)][0]} {_limit(b)}" for b in bounds]
    return f"{words} of {' and '.join(limits)}" if limits else words


def _split(option: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the class that a hint asks for, without its arguments, and the bounds."""
    kind, bounds = option, ()
    if get_origin(option) is Annotated:
        kind, *extras = get_args(option)
        bounds = tuple(extra for extra in extras if type(extra) in _BOUNDS)
    return get_origin(kind) or kind, bounds


def _limit(bound: Any) -> Any:
    return getattr(bound, type(bound).__name__.lower())


def _is_recommender(kind: Any) -> bool:
    from qrec.recommenders.base import Recommender

    return isinstance(kind, type) and issubclass(kind, Recommender)
