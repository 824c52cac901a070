"""Recommenders, one per file, found by looking at this folder.

A module's one public `Recommender` subclass is its recommender: `als.py` holds `ALS`, which
experiments call ``als``. Classes can be imported from here and load their module at first use.
"""

import ast
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from qrec.errors import ConfigError
from qrec.registry import Group, flat_modules

if TYPE_CHECKING:
    from qrec.backends.base import Backend
    from qrec.recommenders.base import Recommender

# What else can be imported from here, loaded at first use as the recommenders are.
_BASES = {
    "Choices": f"{__name__}.spaces",
    "QuantumRecommender": f"{__name__}.quantum",
    "Range": f"{__name__}.spaces",
    "Recommender": f"{__name__}.base",
    "check_parameters": f"{__name__}.parameters",
    "read_observable": f"{__name__}._observable",
}


def recommender_names() -> list[str]:
    """Return the names of all recommenders, sorted: what an experiment may call them."""
    return RECOMMENDERS.names()


def recommender_class(name: str, where: str = "") -> "type[Recommender]":
    """Return the class of a recommender by its name, or by ``module:Class``.

    Raises ConfigError for an unknown name, and for what is no `Recommender`; `where` says in it
    who asks.
    """
    from qrec.recommenders.base import Recommender

    found = RECOMMENDERS.find(name, where)
    if not (isinstance(found, type) and issubclass(found, Recommender)):
        raise ConfigError(f"recommender {name!r}{where} is {found!r}; expected a Recommender class")
    return found


def _modules() -> dict[str, str]:
    return flat_modules(__name__, "base", "quantum", "parameters", "spaces")


def _pick(module: ModuleType) -> "type[Recommender]":
    """Return the one public `Recommender` that a module defines."""
    from qrec.recommenders.base import Recommender

    found = [
        value
        for key, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Recommender)
        and value.__module__ == module.__name__
        and not key.startswith("_")
    ]
    if len(found) != 1:
        raise ConfigError(
            f"{module.__file__}: defines {[c.__name__ for c in found]}; "
            "expected one public Recommender"
        )
    return found[0]


RECOMMENDERS = Group("recommenders", "recommender", _modules, _pick)


def recommender_name(cls: "type[Recommender]") -> str:
    """Return the name by which `recommender_class` finds a class.

    Raises ConfigError for a class within a function or another class, which has no name.
    """
    for name, module in _modules().items():
        if module == cls.__module__:
            return name
    own = f"{cls.__module__}:{cls.__qualname__}"
    if "." in cls.__qualname__:
        raise ConfigError(f"{own}: found a class inside another block; expected one of a module")
    points = entry_points(group=f"qrec.{RECOMMENDERS.name}")
    return next((point.name for point in points if point.value == own), own)


def load_recommender(
    folder: Path | str, backend: "Callable[[dict[str, Any]], Backend] | None" = None
) -> "Recommender":
    """Read a recommender that `Recommender.save` wrote.

    `backend` makes a backend of the settings of one that was saved as an object; without it
    they are opened when first used, as `open_backend` does. A class of the user's own is found
    as in `recommender_class`. Raises ConfigError when the folder holds no recommender, one of
    another schema version, or one that does not fit its class.
    """
    from qrec.recommenders import _store

    return _store.load(Path(folder), backend)


def _modules_by_class() -> dict[str, str]:
    """Return public class name -> module name, without importing any."""
    found: dict[str, str] = {}
    for name in _modules():
        tree = ast.parse((Path(__path__[0]) / f"{name}.py").read_text(encoding="utf-8"))
        classes = (node.name for node in tree.body if isinstance(node, ast.ClassDef))
        found |= {cls: name for cls in classes if not cls.startswith("_")}
    return found


def __getattr__(name: str) -> Any:
    if name in _BASES:
        return getattr(import_module(_BASES[name]), name)
    module = None if name.startswith("_") else _modules_by_class().get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return recommender_class(module)


__all__ = [
    *_BASES,
    "load_recommender",
    "recommender_class",
    "recommender_name",
    "recommender_names",
    *_modules_by_class(),
]


def __dir__() -> list[str]:
    return sorted(__all__)
