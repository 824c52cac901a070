"""Kinds of experiment: each a file, or a folder of files, that can be read top to bottom.

A module that ends in ``EXPERIMENT = TheClass`` is a kind, named by its path below this folder:
``vqsvd/digits.py`` is ``vqsvd_digits``, ``comparison/__init__.py`` is ``comparison``. What a
kind is stands in `base`; own kinds are found by ``module:Class`` or by an entry point of the
group ``qrec.experiments``.
"""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from qrec.errors import ConfigError
from qrec.registry import Group

if TYPE_CHECKING:
    from qrec.experiments.base import Ask, Experiment, Have, Places, Step
    from qrec.runs.outcomes import Outcome

__all__ = ["Ask", "Experiment", "Have", "Outcome", "Places", "Step"]
_MARK = re.compile(r"^EXPERIMENT = ", re.MULTILINE)


def _modules() -> dict[str, str]:
    """Return the kinds that come with qrec, without importing any."""
    root = Path(__path__[0])
    found = {}
    for path in sorted(root.rglob("*.py")):
        if path.parent != root or path.name != "__init__.py":
            parts = path.relative_to(root).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if _MARK.search(path.read_text(encoding="utf-8")):
                found["_".join(parts)] = ".".join((__name__, *parts))
    return found


def _pick(module: ModuleType) -> Any:
    return module.EXPERIMENT


EXPERIMENTS = Group("experiments", "kind", _modules, _pick)


def experiment_class(kind: Any, where: str) -> "type[Experiment]":
    """Return the class of a kind of experiment. Raises ConfigError for what is none."""
    from qrec.experiments.base import Experiment

    if not isinstance(kind, str):
        known = ", ".join(EXPERIMENTS.names())
        raise ConfigError(f"{where}: kind: found {kind!r}, expected one of {known}")
    found = EXPERIMENTS.find(kind, f" (in {where})")
    if not (isinstance(found, type) and issubclass(found, Experiment)):
        raise ConfigError(f"{where}: kind: {kind!r} is {found!r}; expected an Experiment class")
    return found


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("qrec.experiments.base"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
