"""Writing files so that a reader never meets half of one, whenever the writer is killed."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from qrec.errors import ConfigError

TEMPORARY = ".unfinished-"  # what the names of temporary files and folders begin with


def write(path: Path, content: Callable[[BinaryIO], Any]) -> None:
    """Let `content` write to a temporary file beside `path`, then rename it to `path`."""
    temporary = _beside(path)
    with temporary.open("wb") as file:
        content(file)
        file.flush()
        os.fsync(file.fileno())
    rename(temporary, path)


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
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise ConfigError(f"{path}: cannot be read as NPZ: {error}") from None


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises ConfigError where it is missing or no JSON."""
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # no UTF-8, or no JSON
        raise ConfigError(f"{path}: not valid JSON: {error}") from None


def write_folder(path: Path, content: Callable[[Path], Any]) -> None:
    """Let `content` fill a temporary folder beside `path`, then rename it to `path`.

    Raises OSError when a folder `path` with something in it is there already.
    """
    temporary = _beside(path)
    temporary.mkdir()
    content(temporary)
    for inner in [*temporary.rglob("*"), temporary]:
        _sync(inner)
    rename(temporary, path)


def rename(old: Path, new: Path) -> None:
    """Give a file or folder that is on the disk another name, and have the disk hold that."""
    new.parent.mkdir(parents=True, exist_ok=True)
    old.replace(new)
    _sync(new.parent)


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
