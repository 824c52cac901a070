"""Who may do what with jobs at the same time; every lock dies with its process."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from qrec.errors import QrecError
from qrec.runs.folder import RunFolder, runs_dir


@contextmanager
def only_submitter() -> Iterator[None]:
    """Keep other processes from sending and settling jobs. Raises QrecError where one does."""
    with submit_lock() as mine:
        if not mine:
            raise QrecError("another process is sending or settling jobs; wait for it to end")
        yield


@contextmanager
def only_fetcher(folder: RunFolder) -> Iterator[None]:
    """Wait until no other process fetches this run, so that nothing is fetched twice."""
    with (folder.path / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def submit_lock() -> Iterator[bool]:
    """Hold the lock of all runs that whoever sends or settles jobs must have, if it is free."""
    runs_dir().mkdir(parents=True, exist_ok=True)
    with (runs_dir() / "submit.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            mine = False
        else:
            mine = True
        yield mine
