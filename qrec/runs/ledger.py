"""The ledger of jobs: what was asked of which backend, on disk before the request leaves."""

import sqlite3
import uuid
from collections.abc import Container, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from qrec.runs.folder import runs_dir

STATES = ("PLANNED", "SUBMITTING", "SUBMITTED", "DONE", "FAILED", "CANCELLED")
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS jobs (
    uid TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    backend TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN {STATES}),
    job_id TEXT,
    executions INTEGER NOT NULL,
    qpu_seconds REAL NOT NULL,
    used_seconds REAL,
    message TEXT NOT NULL DEFAULT '',
    sent TEXT
)
"""


@dataclass(frozen=True)
class JobRecord:
    """One job as the ledger knows it."""

    uid: str  # made once, by chance; the job carries it as a tag
    run: str
    backend: str
    state: str
    job_id: str | None
    executions: int
    qpu_seconds: float  # predicted
    used_seconds: float | None = None  # None until the backend has said
    message: str = ""
    sent: str | None = None  # UTC, when a request last left


class Ledger:
    """The jobs of all runs, in one SQLite file beside them.

    Every change is on the disk when its call returns; several processes may work with it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or runs_dir() / "ledger.sqlite"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection, connection:
            connection.execute(_SCHEMA)

    def add(self, jobs: Iterable[JobRecord]) -> None:
        """Enter jobs that are planned, all or none; those known already stay as they are."""
        rows = [(j.uid, j.run, j.backend, j.executions, j.qpu_seconds) for j in jobs]
        with closing(self._connect()) as connection, connection:
            connection.executemany(
                "INSERT OR IGNORE INTO jobs (uid, run, backend, state, executions, qpu_seconds) "
                "VALUES (?, ?, ?, 'PLANNED', ?, ?)",
                rows,
            )

    def submitting(self, uid: str) -> None:
        """Note that a request is about to leave."""
        self._update(uid, state="SUBMITTING", sent=datetime.now(UTC).isoformat())

    def submitted(self, uid: str, job_id: str) -> None:
        """Note that the backend has the job."""
        self._update(uid, state="SUBMITTED", job_id=job_id, message="")

    def planned(self, uid: str, message: str = "") -> None:
        """Note that the backend has no such job, so that it must be sent (again)."""
        self._update(uid, state="PLANNED", job_id=None, message=message)

    def ended(self, uid: str, state: str, message: str = "", used: float | None = None) -> None:
        """Note how a job ended: DONE (its result is stored), FAILED or CANCELLED."""
        self._update(uid, state=state, message=message, used_seconds=used)

    def job(self, uid: str) -> JobRecord:
        """Return one job."""
        return next(job for job in self._select("uid = ?", uid))

    def jobs(self, run: str | None = None) -> list[JobRecord]:
        """Return the jobs of a run, or of all, in the order in which they were planned."""
        return self._select("1") if run is None else self._select("run = ?", run)

    def spent(self, backend: str, besides: Container[str] = ()) -> float:
        """Return the QPU seconds that the jobs of a backend used, or are predicted to use.

        A job that is only planned, or that ended with nothing used, counts for nothing;
        neither do the uids `besides`.
        """
        found = [j for j in self._select("backend = ?", backend) if j.uid not in besides]
        sent = [j for j in found if j.state != "PLANNED"]
        ended_unused = ("FAILED", "CANCELLED")
        return sum(
            j.used_seconds if j.used_seconds is not None else j.qpu_seconds
            for j in sent
            if j.used_seconds is not None or j.state not in ended_unused
        )

    def sent_within(self, backend: str, seconds: float) -> list[datetime]:
        """Return when requests left for a backend in the last `seconds`, oldest first."""
        since = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
        found = self._select("backend = ? AND sent > ?", backend, since)
        return sorted(datetime.fromisoformat(job.sent) for job in found if job.sent)

    def _update(self, uid: str, **fields: object) -> None:
        assignments = ", ".join(f"{name} = ?" for name in fields)
        with closing(self._connect()) as connection, connection:
            connection.execute(
                f"UPDATE jobs SET {assignments} WHERE uid = ?", (*fields.values(), uid)
            )

    def _select(self, where: str, *values: str) -> list[JobRecord]:
        with closing(self._connect()) as connection:
            rows = connection.execute(f"SELECT * FROM jobs WHERE {where} ORDER BY rowid", values)
            return [JobRecord(*row) for row in rows]

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30.0)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def new_uid() -> str:
    """Return a uid that no other job has: one made from content would adopt old jobs."""
    return f"qrec-{uuid.uuid4().hex}"
