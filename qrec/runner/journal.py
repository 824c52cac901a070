"""Optuna's journal of trials in one file, behind a lock that dies with its process."""

from pathlib import Path

from filelock import FileLock
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock


def open_journal(path: Path) -> JournalStorage:
    """Return the journal in a file, which appears where there is none."""
    return JournalStorage(JournalFileBackend(str(path), lock_obj=_Lock(path)))


class _Lock(JournalFileOpenLock):
    """Optuna's own would outlive a killed process by half a minute."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path, self._lock = path, FileLock(f"{path}.lock")

    def acquire(self) -> bool:
        """Wait for the journal, and take off what a full disk or a power cut left half written."""
        self._lock.acquire()
        with self._path.open("rb+") as file:
            file.truncate(file.read().rfind(b"\n") + 1)
        return True

    def release(self) -> None:
        """Let others write."""
        self._lock.release()
