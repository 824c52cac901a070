"""Who may do what with runs and jobs at the same time; every lock dies with its process."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from filelock import FileLock, Timeout

from qrec.errors import QrecError
from qrec.runs.claims import locked, share
from qrec.runs.folder import RunFolder, runs_dir

_LOCK = "lock"  # in the folder of a run

Release = Callable[[], AbstractContextManager[None]]


@contextmanager
def only_worker(folder: RunFolder) -> Iterator[None]:
    """Keep other processes from working on a run. What a killed one left half is removed.

    Raises QrecError when another process is at work.
    """
    with locked(folder.path / _LOCK) as handle:
        if handle is None:
            raise QrecError(f"run {folder.id}: another process is working on it")
        folder.sweep()
        yield


@contextmanager
def one_worker(folder: RunFolder) -> Iterator[bool]:
    """Work on a run beside other processes that do the same, each at steps that it claims.

    What is given says whether nobody else was at work; then what a killed process left half is
    removed. Waits where a process keeps all others from it.
    """
    path = folder.path / _LOCK
    with locked(path) as handle:
        if handle is not None:
            folder.sweep()
            share(handle)
            yield True
            return
    with locked(path, shared=True, wait=True):
        yield False


@contextmanager
def last_worker(folder: RunFolder) -> Iterator[None]:
    """Wait until nobody else works on a run, and keep others from it.

    What a killed process left half is removed.
    """
    with locked(folder.path / _LOCK, wait=True):
        folder.sweep()
        yield


@contextmanager
def only_submitter(wait: bool = False) -> Iterator[Release]:
    """Keep other processes from sending and settling jobs.

    What is given lets them, for as long as its own block lasts: whoever waits for a service's
    rate limit is not in the way of `qrec cancel`. Raises QrecError where another process does,
    unless this is to `wait` until it has ended.
    """
    lock = _submit_lock()

    @contextmanager
    def released() -> Iterator[None]:
        lock.release()
        yield
        lock.acquire()

    with _try_lock(lock, -1 if wait else 0) as mine:
        if not mine:
            raise QrecError("another process is sending or settling jobs; wait for it to end")
        yield released


@contextmanager
def only_fetcher(folder: RunFolder) -> Iterator[None]:
    """Wait until no other process fetches this run, so that nothing is fetched twice."""
    with FileLock(folder.path / "fetch.lock"):
        yield


@contextmanager
def submit_lock(seconds: float = 0) -> Iterator[bool]:
    """Hold the lock of all runs that whoever sends or settles jobs must have, if it is free.

    It is waited for so many seconds, without end where these are negative.
    """
    with _try_lock(_submit_lock(), seconds) as mine:
        yield mine


def _submit_lock() -> FileLock:
    runs_dir().mkdir(parents=True, exist_ok=True)
    return FileLock(runs_dir() / "submit.lock")


@contextmanager
def _try_lock(lock: FileLock, seconds: float = 0) -> Iterator[bool]:
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
