"""Who does what of a run's work: a lock of the operating system for each step, which dies with
its process.

The file of a claim also says whose it is. It goes away when the work has ended, however it ended;
one that is left without its lock is of a process that was killed.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from qrec.config import Spec
from qrec.errors import QrecError
from qrec.runs.files import remove


class Claim(Spec):
    """Whose a claim is."""

    host: str
    pid: Annotated[int, Field(ge=1)]
    since: datetime  # UTC
    deaths: Annotated[int, Field(ge=0)] = 0  # of processes that were at it before


class Claims:
    """The claims in the folder of a run, or of a study, by the names of what is claimed."""

    def __init__(self, run: Path) -> None:
        self._folder = run / "claims"

    @contextmanager
    def take(self, name: str) -> Iterator[Claim | None]:
        """Hold the claim of this name while this is open; None where another process has it."""
        path = self._folder / name
        with locked(path) as handle:
            if handle is None or not _is_at(path, handle):
                yield None  # the second: it has just ended
                return
            left = os.pread(handle, _MOST_BYTES, 0)
            deaths = _deaths(left) + 1 if left else 0
            now = datetime.now(UTC).replace(microsecond=0)
            claim = Claim(host=socket.gethostname(), pid=os.getpid(), since=now, deaths=deaths)
            os.ftruncate(handle, 0)
            os.pwrite(handle, claim.model_dump_json().encode(), 0)
            os.fsync(handle)
            try:
                yield claim
            finally:
                path.unlink(missing_ok=True)

    def held(self) -> dict[str, Claim | None]:
        """Return the claims that a process has; None where it has not yet said whose one is."""
        found = {}
        for path in sorted(self._folder.glob("[!.]*")):
            with locked(path, shared=True, make=False) as handle:
                if handle is None and path.is_file():
                    found[path.name] = _read(path)
        return found

    def forget(self) -> None:
        """Remove the claims of processes that were killed, and how often they were."""
        for path in self._folder.glob("[!.]*"):
            with locked(path, make=False) as handle:
                if handle is not None:
                    path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all of it, where nobody is at work any more."""
        remove(self._folder)


_MOST_BYTES = 4096  # a claim has a tenth of it


@contextmanager
def locked(
    path: Path, *, shared: bool = False, wait: bool = False, make: bool = True
) -> Iterator[int | None]:
    """Hold the lock of a file, alone or `shared`, and give the open file.

    None is given where others have it and this is not to `wait`, and, where it is not to `make`
    the file, where there is none. On Linux the lock also holds on network file systems that pass
    it on, for all their machines. Raises QrecError on one that has no locks.
    """
    if make:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o666)
    except FileNotFoundError:
        yield None
        return
    try:
        yield handle if _lock(handle, path, shared, wait) else None
    finally:
        os.close(handle)  # and the lock is given up


def share(handle: int) -> None:
    """Let others hold the lock of an open file beside this process, which held it alone."""
    import fcntl

    fcntl.flock(handle, fcntl.LOCK_SH)


def _lock(handle: int, path: Path, shared: bool, wait: bool) -> bool:
    try:
        import fcntl  # not everywhere, and what locks nothing starts without it
    except ImportError:
        raise QrecError(
            "this system has no locks (fcntl) that die with their process, which a run needs; "
            "expected Linux or macOS, or on Windows its Subsystem for Linux"
        ) from None
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise QrecError(
            f"{path}: this file system gives no locks ({error.strerror}); expected one that does, "
            "for all machines that share it: see docs/how-to/cluster.md"
        ) from None
    return True


def _is_at(path: Path, handle: int) -> bool:
    """Return whether an open file is still the one at `path`."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _read(path: Path) -> Claim | None:
    try:
        return Claim.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):  # it has just ended, or is just being written
        return None


def _deaths(left: bytes) -> int:
    """Return how many died before the process whose claim was left, perhaps half written."""
    try:
        return Claim.model_validate_json(left).deaths
    except ValidationError:
        return 0
