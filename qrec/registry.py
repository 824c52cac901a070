"""Finding circuits, recommenders, data sets, metrics, kinds of backend and of experiment.

A name means one of three things, tried in this order: a module of the group's folder, so that
one addition is one file and its contract tests come along; an entry point of an installed
package, in the group ``qrec.circuits``, ``qrec.recommenders`` and so on; or, with a colon,
``module:attribute``, the user's own code. Own code named in a file runs only through `door`.
"""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import qrec
from qrec.errors import CodeError, ConfigError

# A wheel carries the files of the repository's top level in qrec/packaged; an editable
# install reads them where they are.
_ROOT = Path(qrec.__file__).parent
PACKAGED = _ROOT / "packaged" if (_ROOT / "packaged").is_dir() else _ROOT.parent


@dataclass(frozen=True)
class Door:
    """Whether own code may be loaded: from `folders`, if the user owns it, or from anywhere."""

    folders: tuple[Path, ...] = ()
    anywhere: bool = False


_door: ContextVar[Door] = ContextVar("door", default=Door())  # noqa: B039  # frozen
_loaded: dict[str, Any] = {}  # ``module:attribute`` -> what it is; let in once per process


@contextmanager
def door(folder: Path | None = None, anywhere: bool = False) -> Iterator[None]:
    """Let ``module:attribute`` be loaded while this is open.

    With `folder` a ``module.py`` in it that belongs to the user; with `anywhere` also whatever
    Python can import.
    """
    with _set(Door(() if folder is None else (folder,), anywhere)):
        yield


@contextmanager
def beside(file: Path) -> Iterator[None]:
    """Let what lies beside a file that the user keeps, and is theirs, be loaded too."""
    allowed = _door.get()
    with _set(Door((*allowed.folders, file.resolve().parent), allowed.anywhere)):
        yield


@contextmanager
def _set(allowed: Door) -> Iterator[None]:
    token = _door.set(allowed)
    try:
        yield
    finally:
        _door.reset(token)


def named_in_file(path: Path) -> Path:
    """Return a path that an experiment's file gives, from the folder of that file."""
    folders = _door.get().folders
    return (folders[0] if folders else Path()) / path


def file_beside(module: str, what: str) -> Path | None:
    """Return ``module.py`` beside the file that is being read, where there is one.

    Raises ConfigError for one that may not be run; `what` names its use.
    """
    for folder in _door.get().folders[-1:]:  # not those of the files that led there
        file = folder / f"{module}.py"
        if file.is_file():
            check_owner(file, what)
            return file.resolve()
    return None


def flat_modules(package: str, *besides: str) -> dict[str, str]:
    """Return name -> module of the public modules of `package`, but for those named `besides`."""
    folder = import_module(package).__path__
    names = sorted(m.name for m in iter_modules(folder) if m.name[0] != "_" and not m.ispkg)
    return {name: f"{package}.{name}" for name in names if name not in besides}


@dataclass(frozen=True)
class Group:
    """Things of one sort. `noun` is the user's word for one, `name` that of its entry points.

    `modules` returns name -> module of those that come with qrec, and `pick` takes the thing
    out of its module.
    """

    name: str
    noun: str
    modules: Callable[[], Mapping[str, str]]
    pick: Callable[[ModuleType], Any]

    def names(self) -> list[str]:
        """Return the names that need no colon, sorted."""
        return sorted({*self.modules(), *self._entry_points()})

    def find(self, name: str, where: str = "") -> Any:
        """Return the thing called `name`; `where` says in an error who asks for it.

        Raises ConfigError for an unknown name, and for own code that the door keeps out.
        """
        if ":" in name:
            return load_attribute(name, f"{self.noun}{where}")
        modules = self.modules()
        if name in modules:
            return self.pick(import_module(modules[name]))
        check_name(name, self.names(), f"{self.noun}{where}")
        return self._entry_points()[name].load()

    def _entry_points(self) -> dict[str, Any]:
        return {point.name: point for point in entry_points(group=f"qrec.{self.name}")}


def load_attribute(path: str, what: str) -> Any:
    """Return what ``module:attribute`` names, if the door lets it in; `what` names its use.

    Raises ConfigError for code that may not run here, and for what cannot be found in it.
    """
    if path not in _loaded:
        name, _, attribute = path.partition(":")
        module = _module(name, what)
        try:
            _loaded[path] = getattr(module, attribute)
        except AttributeError:
            near = get_close_matches(attribute, dir(module), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"{what} {path!r}: module {name} has no {attribute!r}{hint}"
            ) from None
    return _loaded[path]


def code_files() -> dict[str, Path]:
    """Return module name -> file of the own code that was let in so far."""
    names = sorted({path.partition(":")[0] for path in _loaded})
    return {name: Path(str(sys.modules[name].__file__)) for name in names}


def _module(name: str, what: str) -> ModuleType:
    allowed = _door.get()
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigError(f"{what}: {name!r} is no module's name; expected module:attribute")
    if name in {path.partition(":")[0] for path in _loaded}:
        return sys.modules[name]
    files = list(dict.fromkeys(folder / f"{name}.py" for folder in allowed.folders))
    try:
        for file in files:
            if file.is_file():
                check_owner(file, what)
                return _import_file(name, file)
        if allowed.anywhere:
            return import_module(name)
    except ConfigError:
        raise
    except Exception as error:  # the user's code fails in ways of its own
        raise ConfigError(f"{what}: importing {name!r}: {type(error).__name__}: {error}") from error
    missing = " and ".join(map(str, files))
    place = f"no {missing}" if files else "it was begun elsewhere, so none is looked for"
    raise CodeError(
        f"{what}: {name!r} is code of your own: {place}; put it beside the file that names it, or "
        "let code from elsewhere run with --allow-code"
    )


def check_owner(path: Path, what: str) -> None:
    """Raise CodeError where a file that would have code run is not the user's."""
    if _door.get().anywhere:
        return
    if os.name == "posix" and path.stat().st_uid != os.getuid():
        raise CodeError(
            f"{what}: {path} belongs to another user; if you trust it, say --allow-code"
        )


def _import_file(name: str, path: Path) -> ModuleType:
    """Import a file under its own name; what lies beside it can be imported by it."""
    if name in sys.modules:
        known = sys.modules[name].__file__
        if known is None or Path(known).resolve() != path.resolve():
            raise ConfigError(f"{path}: a module called {name!r} is imported already: rename it")
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(path.parent))
    return module


def check_name(name: str, known: list[str], kind: str) -> None:
    """Raise ConfigError when `name` is not one of `known`, naming the nearest ones."""
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(f"unknown {kind} {name!r}; {hint}known: {', '.join(known)}")


def experiment_paths() -> dict[str, Path]:
    """Return the packaged experiments, name -> YAML file."""
    return {path.stem: path for path in sorted((PACKAGED / "experiments").glob("*.yaml"))}
