"""What a data set tells about itself, and how the data sets in `qrec.data.datasets` are found."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from math import isfinite
from numbers import Integral, Real
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np

from qrec.data.ratings import Ratings
from qrec.errors import ConfigError
from qrec.registry import Group, flat_modules

_PACKAGE = "qrec.data.datasets"


@dataclass(frozen=True)
class Archive:
    """A zip file to download and the hash its publisher's copy has, e.g. ``md5:0e33...``."""

    url: str
    known_hash: str


@dataclass(frozen=True)
class Dataset:
    """One entry of a module's `DATASETS`.

    `load` takes its options by keyword, and `data_dir` as well if it reads files. `example`
    holds invented files in the data set's format, path -> text: `load` can read them where the
    tests write them, unless the data set is generated or accepts nothing but the published file.
    """

    name: str
    description: str
    licence: str
    load: Callable[..., Ratings]
    archive: Archive | None = None
    example: Mapping[str, str] = field(default_factory=dict)


def _named(module: ModuleType) -> dict[str, Dataset]:
    return {dataset.name: dataset for dataset in module.DATASETS}


def _modules() -> dict[str, str]:
    """Return the module of every data set: that in whose `DATASETS` it stands."""
    modules = flat_modules(_PACKAGE).values()
    return {name: path for path in modules for name in _named(import_module(path))}


DATASETS = Group("datasets", "data set", _modules, _named)


def find_dataset(name: str, where: str = "") -> Dataset:
    """Return a data set by its name, or by ``module:attribute``.

    Raises ConfigError for an unknown name and for what is no `Dataset`; `where` says in it who
    asks.
    """
    found = DATASETS.find(name, where)
    dataset = found.get(name) if isinstance(found, dict) else found
    if not isinstance(dataset, Dataset):
        raise ConfigError(
            f"data set {name!r} is a {type(found).__name__}; expected a qrec.data.Dataset"
        )
    return dataset


def option_names(function: Callable[..., Any]) -> list[str]:
    """Return the names of the keyword-only parameters of `function`."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]


def check_options(function: Callable[..., Any], options: Mapping[str, Any], owner: str) -> None:
    """Raise ConfigError for an option that `function` does not take; `owner` names it to users.

    A value must be what the option's annotation says: a number is finite and no text or truth
    value, an integer no float.
    """
    known = [name for name in option_names(function) if name != "data_dir"]
    parameters = inspect.signature(function).parameters
    for name, value in options.items():
        if name not in known:
            listed = ", ".join(known) or "none"
            raise ConfigError(f"{owner} has no option {name!r}; its options: {listed}")
        hint = parameters[name].annotation
        if not _fits(value, hint):
            raise ConfigError(f"{owner}: found {name} {value!r}, expected {_words(hint)}")


def _fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) in (Union, UnionType):
        return any(_fits(value, member) for member in get_args(hint))
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if get_origin(hint) is Sequence:
        entries = isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes)
        return entries and all(_fits(entry, get_args(hint)[0]) for entry in value)
    if hint is int:
        return not isinstance(value, bool) and isinstance(value, Integral)
    if hint is float:
        return not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)
    return not isinstance(hint, type) or isinstance(value, hint)


def _words(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_words(member) for member in get_args(hint))
    if get_origin(hint) is Literal:
        return " or ".join(get_args(hint))
    if get_origin(hint) is Sequence:
        return f"a list, each entry {_words(get_args(hint)[0])}"
    words = {int: "an integer", float: "a finite number", str: "text", NoneType: "None"}
    return words.get(hint) or str(hint.__name__)
