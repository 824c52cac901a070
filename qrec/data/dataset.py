"""What a data set tells about itself, and how the data sets in `qrec.data.datasets` are found."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

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
    """Raise ConfigError for an option that `function` does not take; `owner` names it to users."""
    known = [name for name in option_names(function) if name != "data_dir"]
    for name in options:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise ConfigError(f"{owner} has no option {name!r}; its options: {listed}")
