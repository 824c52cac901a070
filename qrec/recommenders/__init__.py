"""Recommenders, one per file, found by looking at this folder.

A module's one public `Recommender` subclass is its recommender: `als.py` holds `ALS`, which
experiments call ``als``. Classes can be imported from here and load their module at first use.
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from qrec.errors import ConfigError
from qrec.registry import check_name, module_names

if TYPE_CHECKING:
    from qrec.recommenders.base import Recommender


def recommender_names() -> list[str]:
    """Return the names of all recommenders, sorted: what an experiment may call them."""
    return [name for name in module_names(__name__) if name != "base"]


def recommender_class(name: str) -> "type[Recommender]":
    """Return the class that the module `name` defines.

    Raises ConfigError for an unknown name, or a module that does not define exactly one.
    """
    from qrec.recommenders.base import Recommender

    check_name(name, recommender_names(), "recommender")
    module = import_module(f"{__name__}.{name}")
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


def load_recommender(folder: Path | str) -> "Recommender":
    """Read a recommender that `Recommender.save` wrote.

    Raises ConfigError when the folder holds none, or one of another schema version.
    """
    from qrec.recommenders import _store

    return _store.load_recommender(folder)


def _modules_by_class() -> dict[str, str]:
    """Return public class name -> module name, without importing any."""
    found: dict[str, str] = {}
    for name in recommender_names():
        tree = ast.parse((Path(__path__[0]) / f"{name}.py").read_text(encoding="utf-8"))
        classes = (node.name for node in tree.body if isinstance(node, ast.ClassDef))
        found |= {cls: name for cls in classes if not cls.startswith("_")}
    return found


def __getattr__(name: str) -> "type[Recommender]":
    module = None if name.startswith("_") else _modules_by_class().get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return recommender_class(module)


__all__ = [
    "load_recommender",
    "recommender_class",
    "recommender_names",
    *_modules_by_class(),
]


def __dir__() -> list[str]:
    return sorted(__all__)
