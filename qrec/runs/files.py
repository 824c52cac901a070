"""Writing files so that a reader never meets half of one, whenever the writer is killed."""

import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from qrec.errors import ConfigError, QrecError, StoredError

# A name that is stored and leads nowhere else.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.@-]*$")]
TEMPORARY = ".unfinished-"  # what the names of temporary files and folders begin with
_QUIET_SECONDS = 600.0  # a file or folder is written in less, by far


def write(path: Path, content: Callable[[BinaryIO], Any]) -> None:
    """Let `content` write to a temporary file beside `path`, then rename it to `path`."""
    temporary = _beside(path)
    try:
        with temporary.open("wb") as file:
            content(file)
            file.flush()
            os.fsync(file.fileno())
        rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step."""
    write(path, lambda file: file.write(content))


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in one step."""
    write(path, lambda file: file.write(text.encode()))


def write_json(path: Path, content: Any) -> None:
    """Write `content` as JSON to `path` in one step."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as NPZ to `path` in one step."""
    write(path, lambda file: np.savez(file, **dict[str, Any](arrays)))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read what `write_arrays` wrote. Raises ConfigError where it is not that."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or 'cannot be read as NPZ'}") from None
    except Exception as error:  # zip files and headers are damaged in ways of their own
        raise ConfigError(f"{path}: cannot be read as NPZ: {one_line(error)}") from None


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises ConfigError where it is missing or no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or brackets without end
        raise ConfigError(f"{path}: not valid JSON: {one_line(error)}") from None


@contextmanager
def understood(path: Path, what: str) -> Iterator[None]:
    """Turn whatever goes wrong with the content of `path`, which is no `what`, into one error.

    For what a kind of experiment, perhaps the user's own, makes of stored content: its form is
    known to that kind alone.
    """
    try:
        yield
    except (QrecError, OSError):
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {one_line(error)}"
        raise ConfigError(f"{path}: not {what}: {said}") from error


@contextmanager
def stored() -> Iterator[None]:
    """Turn a ConfigError about what a run holds into a `StoredError`: it is no step's own."""
    try:
        yield
    except ConfigError as error:
        raise StoredError(str(error)) from error.__cause__


def check_plain(folder: Path) -> None:
    """Raise ConfigError for what is in `folder` and no plain file of it.

    A link that leads out of it would have others' files read, or written; a pipe waits for ever.
    """
    root = folder.resolve()
    for place, folders, names in os.walk(root, onerror=_raise):
        for name in (*folders, *names):
            path = Path(place, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode) and not path.resolve().is_relative_to(root):
                raise ConfigError(
                    f"{path}: a link to {path.resolve()}; expected nothing that leads out of "
                    f"{folder}"
                )
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
                raise ConfigError(f"{path}: expected a plain file or a folder")


def one_line(error: BaseException) -> str:
    """Return what an error says as one line, or else its type."""
    return "; ".join(str(error).splitlines()) or type(error).__name__


def write_folder(path: Path, content: Callable[[Path], Any]) -> None:
    """Let `content` fill a temporary folder beside `path`, then rename it to `path`.

    Raises OSError when a folder `path` with something in it is there already.
    """
    temporary = _beside(path)
    temporary.mkdir()
    try:
        content(temporary)
        for inner in [*temporary.rglob("*"), temporary]:
            _sync(inner)
        rename(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def rename(old: Path, new: Path) -> None:
    """Give a file or folder that is on the disk another name, and have the disk hold that."""
    new.parent.mkdir(parents=True, exist_ok=True)
    old.replace(new)
    _sync(new.parent)


def leftovers(folder: Path) -> list[Path]:
    """Return what processes that were killed left half written in `folder`.

    Another machine's process may be at work in a folder that several share: so what was touched
    a short while ago is none.
    """
    now = time.time()
    return [
        path
        for path in sorted(folder.glob(f"{TEMPORARY}*"))
        if not _has_writer(path) and now - path.lstat().st_mtime > _QUIET_SECONDS
    ]


def remove(path: Path) -> None:
    """Remove a file, a folder, or a link and not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _has_writer(path: Path) -> bool:
    """Return whether the process that the name of a temporary file tells is there still."""
    number = path.name.removeprefix(TEMPORARY).partition("-")[0]
    if not number.isdecimal():
        return True  # a place that its lock tells of: `runs.folder.planning_place`
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _raise(error: OSError) -> None:
    raise error


def _beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")


def _sync(path: Path) -> None:
    """Have the disk hold what was written to a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
