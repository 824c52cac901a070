"""Finding circuits, recommenders, data sets and experiments by looking at the folders.

One addition is one file: a module put into its folder is found here by its name, and its
contract tests come along, because the tests ask the same functions.
"""

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import qrec
from qrec.errors import ConfigError

# A wheel carries the files of the repository's top level in qrec/packaged; an editable
# install reads them where they are.
_ROOT = Path(qrec.__file__).parent
PACKAGED = _ROOT / "packaged" if (_ROOT / "packaged").is_dir() else _ROOT.parent


def module_names(package: str) -> list[str]:
    """Return the sorted names of the public modules of `package`, e.g. ``qrec.circuits``."""
    folder = import_module(package).__path__
    return sorted(m.name for m in iter_modules(folder) if not m.name.startswith("_"))


def check_name(name: str, known: list[str], kind: str) -> None:
    """Raise ConfigError when `name` is not one of `known`, naming the nearest ones."""
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(f"unknown {kind} {name!r}; {hint}known: {', '.join(known)}")


def experiment_paths() -> dict[str, Path]:
    """Return the packaged experiments, name -> YAML file."""
    return {path.stem: path for path in sorted((PACKAGED / "experiments").glob("*.yaml"))}
