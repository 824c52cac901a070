"""Where data files are: the user's folder, the downloads, and the cache of parsed ratings."""

import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b, file_digest
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np

from qrec.data.dataset import Archive
from qrec.data.features import Features
from qrec.data.ratings import Ratings
from qrec.errors import DataError, MissingError

log = logging.getLogger(__name__)


def cache_dir() -> Path:
    """Return ``$QREC_CACHE_DIR``, or the folder where the system keeps users' caches."""
    if folder := os.environ.get("QREC_CACHE_DIR"):
        return Path(folder)
    import pooch

    return Path(pooch.os_cache("qrec"))


def find_file(
    name: str, candidates: Sequence[str], data_dir: Path | None, archive: Archive, licence: str
) -> Path:
    """Return the first of `candidates`, paths such as ``ml-100k/u.data``, that exists.

    Looks in `data_dir` alone if that is given; else in ``$QREC_DATA_DIR``, then in the
    downloads. Without either folder set, downloads what is not there.
    """
    environment = os.environ.get("QREC_DATA_DIR")
    downloads = cache_dir() / "downloads"
    if data_dir is not None:
        folders = [data_dir]
    else:
        folders = [Path(environment), downloads] if environment else [downloads]
    for folder in folders:
        for candidate in candidates:
            if (folder / candidate).is_file():
                return folder / candidate
    if data_dir is None and not environment:
        return download(name, archive, licence) / candidates[0]
    raise MissingError(
        f"{name}: no file {' or '.join(candidates)} in {' or '.join(map(str, folders))}; put it "
        f"there, or run `qrec data fetch {name}` and load without a data folder"
    )


def download(name: str, archive: Archive, licence: str) -> Path:
    """Download and unpack `archive` once, showing its licence; return the downloads folder.

    Raises MissingError if the server cannot be reached, DataError for a wrong checksum.
    """
    import pooch

    folder = cache_dir() / "downloads"
    log.warning("%s, %s\n%s", name, archive.url, licence)
    try:
        pooch.retrieve(
            archive.url,
            known_hash=archive.known_hash,
            fname=f"{name}.zip",
            path=folder,
            processor=pooch.Unzip(extract_dir="."),
        )
    except OSError as error:  # requests' errors are all OSErrors
        raise MissingError(f"{name}: cannot download {archive.url}: {error}") from error
    except ValueError as error:  # pooch's word for a hash that does not match
        raise DataError(f"{name}: {archive.url} is not the published file: {error}") from error
    return folder


def check_sha256(path: Path, expected: str) -> None:
    """Raise DataError if the file's sha256 is not `expected`."""
    with path.open("rb") as file:
        found = file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise DataError(
            f"{path}: sha256 is {found}, expected {expected}: not the published file "
            f"(copies with extra or missing rows circulate)"
        )


def cached(
    path: Path,
    parse: Callable[[Path], Ratings],
    beside: Sequence[Path] = (),
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Ratings:
    """Return `parse(path)`, kept in the cache until the file's size or time changes.

    `beside` names what else `parse` reads; files that are not there are none until they appear.
    `options` are what its outcome hangs on beside them.
    """
    states = [_state(file) for file in (path, *beside)]
    if options:
        states.append(repr(sorted(options.items())))
    key = blake2b("|".join(states).encode(), digest_size=12).hexdigest()
    stored = cache_dir() / "parsed" / f"{key}.npz"
    if not stored.exists():
        ratings = parse(path)
        _store(ratings, stored)
        return ratings
    with np.load(stored, allow_pickle=False) as arrays:
        columns = {name: arrays[name] for name in arrays.files}
    low, high = columns.pop("scale")
    features: dict[str, dict[str, Any]] = {"user": {}, "item": {}}
    for name in [name for name in columns if _FEATURE in name]:
        side, _, feature = name.partition(_FEATURE)
        features[side][feature] = columns.pop(name)
    known = Features(**features) if any(features.values()) else None
    return Ratings(**columns, scale=(float(low), float(high)), features=known)


_FEATURE = "."  # in the cache between a side's name and its feature's


def _state(path: Path) -> str:
    if not path.is_file():
        return f"{path.resolve()}|none"
    stat = path.stat()
    return f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"


def write_cache(path: Path, content: Callable[[IO[bytes]], Any]) -> None:
    """Let `content` write a file of the cache; it appears whole or not at all.

    Raises DataError where the cache cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            content(file)
        Path(file.name).replace(path)
    except OSError as error:
        raise DataError(
            f"cannot write the cache: {error}; set QREC_CACHE_DIR to a folder that can be written"
        ) from error


def _store(ratings: Ratings, path: Path) -> None:
    fields = vars(ratings) | {"features": None}
    arrays: dict[str, Any] = {k: np.asarray(v) for k, v in fields.items() if v is not None}
    for side, columns in ratings.features.sides().items() if ratings.features else ():
        arrays |= {f"{side}{_FEATURE}{name}": column for name, column in columns.items()}
    write_cache(path, lambda file: np.savez(file, **arrays))
