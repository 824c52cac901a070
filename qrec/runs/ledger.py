"""The ledger of jobs: what was asked of which backend, on disk before the request leaves."""

import json
import sqlite3
import uuid
from collections.abc import Container, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from qrec.config import explain
from qrec.errors import ConfigError, QrecError
from qrec.runs.folder import runs_dir

LEDGER = "ledger.sqlite"  # beside the runs
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


Seconds = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


@dataclass(frozen=True)
class JobRecord:
    """One job as the ledger knows it."""

    uid: str  # made once, by chance; the job carries it as a tag
    run: str
    backend: str
    state: str
    job_id: str | None
    executions: Annotated[int, Field(ge=0)]
    qpu_seconds: Seconds  # predicted
    used_seconds: Seconds | None = None  # None until the backend has said
    message: str = ""
    sent: str | None = None  # UTC, when a request last left


_JOB = TypeAdapter(JobRecord)
_COLUMNS = [field.name for field in fields(JobRecord)]


class Ledger:
    """The jobs of all runs, in one SQLite file beside them.

    Every change is on the disk when its call returns; several processes may work with it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or runs_dir() / LEDGER
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.execute(_SCHEMA)

    def add(self, jobs: Iterable[JobRecord]) -> None:
        """Enter jobs that are planned, all or none; those known already stay as they are."""
        rows = [(j.uid, j.run, j.backend, j.executions, j.qpu_seconds) for j in jobs]
        with self._open() as connection:
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
        """Return one job. Raises ConfigError where it was never entered."""
        for job in self._select("uid = ?", uid):
            return job
        raise ConfigError(f"{self.path}: no job {uid!r}, which the run holds")

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
        with self._open() as connection:
            connection.execute(
                f"UPDATE jobs SET {assignments} WHERE uid = ?", (*fields.values(), uid)
            )

    def _select(self, where: str, *values: str) -> list[JobRecord]:
        with self._open() as connection:
            columns = ", ".join(_COLUMNS)
            rows = connection.execute(
                f"SELECT {columns} FROM jobs WHERE {where} ORDER BY rowid", values
            )
            return [self._record(*row) for row in rows]

    def _record(self, *row: Any) -> JobRecord:
        """Return a row as a job. Raises ConfigError where it is none."""
        where = f"{self.path}: job {row[0]!r}"
        try:
            found = dict(zip(_COLUMNS, row, strict=True))
            job = _JOB.validate_json(json.dumps(found, default=list), strict=True)  # bytes: no text
            if job.sent is not None:
                datetime.fromisoformat(job.sent)
        except ValidationError as error:
            raise ConfigError(explain(error, where)) from None
        except ValueError:
            raise ConfigError(f"{where}: sent: found {job.sent!r}, expected a time") from None
        if job.state not in STATES:
            raise ConfigError(f"{where}: state: found {job.state!r}, expected one of {STATES}")
        return job

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose changes are kept, or none of them."""
        try:
            with closing(self._connect()) as connection, connection:
                yield connection
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise QrecError(f"{self.path}: {error}; expected the ledger of this qrec") from None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30.0)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def new_uid() -> str:
    """Return a uid that no other job has: one made from content would adopt old jobs."""
    return f"qrec-{uuid.uuid4().hex}"
