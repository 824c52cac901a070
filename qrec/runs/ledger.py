"""The ledger of jobs: what was asked of which device, on disk before the request leaves."""

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
SCHEMA_VERSION = 1
STATES = ("PLANNED", "SUBMITTING", "SUBMITTED", "DONE", "FAILED", "CANCELLED")
ENDED = ("DONE", "FAILED", "CANCELLED")
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS jobs (
    uid TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    backend TEXT NOT NULL,
    device TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN {STATES}),
    job_id TEXT,
    executions INTEGER NOT NULL,
    qpu_seconds REAL NOT NULL,
    used_seconds REAL,
    message TEXT NOT NULL DEFAULT '',
    sent TEXT,
    unanswered INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS given_up (run TEXT PRIMARY KEY);
PRAGMA user_version = {SCHEMA_VERSION};
"""


Seconds = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


@dataclass(frozen=True)
class JobRecord:
    """One job as the ledger knows it."""

    uid: str  # made once, by chance; the job carries it as a tag
    run: str
    backend: str  # the entry of backends.yaml
    device: str  # what that entry asks; others may ask it too
    state: str
    job_id: str | None
    executions: Annotated[int, Field(ge=0)]  # with those of the self-tests that went before it
    qpu_seconds: Seconds  # predicted
    used_seconds: Seconds | None = None  # None until the backend has said
    message: str = ""
    sent: str | None = None  # UTC, when a request last left; None where none left from here
    unanswered: int = 0  # requests that left and of which nobody knows what became of them

    @property
    def was_sent(self) -> bool:
        """Whether a request left that was answered, however the job ended."""
        answered = self.state in ("SUBMITTED", *ENDED)
        return answered and (self.sent is not None or self.job_id is not None)

    @property
    def age(self) -> float | None:
        """Seconds since a request last left; None where none left from here."""
        if self.sent is None:
            return None
        return (datetime.now(UTC) - datetime.fromisoformat(self.sent)).total_seconds()


_JOB = TypeAdapter(JobRecord)
_COLUMNS = [field.name for field in fields(JobRecord)]


class Ledger:
    """The jobs of all runs, in one SQLite file beside them.

    Every change is on the disk when its call returns; several processes may work with it. Raises
    ConfigError for a file of another schema, QrecError for one that cannot be read or written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or runs_dir() / LEDGER
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            [version] = connection.execute("PRAGMA user_version").fetchone()
            [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if version == 0 and tables == 0:
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            elif version != SCHEMA_VERSION:
                raise ConfigError(
                    f"{self.path}: schema version {version}, expected {SCHEMA_VERSION}: written by "
                    "another version of qrec. Move it away: jobs of runs that are under way are "
                    "then looked for where they were sent"
                )

    def add(self, jobs: Iterable[JobRecord], in_doubt: bool = False) -> None:
        """Enter jobs that are planned, all or none; those known already stay as they are.

        With `in_doubt`, for jobs that a run's folder holds and this ledger does not: another
        ledger may have seen them sent.
        """
        state, unanswered = ("SUBMITTING", 1) if in_doubt else ("PLANNED", 0)
        rows = [
            (j.uid, j.run, j.backend, j.device, state, j.executions, j.qpu_seconds, unanswered)
            for j in jobs
        ]
        with self._open() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO jobs (uid, run, backend, device, state, executions, "
                "qpu_seconds, unanswered) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def submitting(self, uid: str, self_test: int = 0) -> None:
        """Note that a request is about to leave, and so many executions of a self-test before."""
        self._update(
            uid,
            "unanswered = unanswered + 1, executions = executions + ?",
            self_test,
            state="SUBMITTING",
            sent=datetime.now(UTC).isoformat(),
        )

    def submitted(self, uid: str, job_id: str) -> None:
        """Note that the backend has the job of one request that left."""
        self._update(uid, _ANSWERED, state="SUBMITTED", job_id=job_id, message="")

    def refused(self, uid: str, state: str, message: str) -> None:
        """Note that the last request had no effect: PLANNED to send it later, or FAILED."""
        used = 0.0 if state == "FAILED" else None
        self._update(uid, _ANSWERED, state=state, job_id=None, message=message, used_seconds=used)

    def planned(self, uid: str, message: str = "", lost: bool = False) -> None:
        """Note that the backend has no such job, so that it must be sent (again).

        `lost`: it had one, whose result is gone with its process.
        """
        again = "unanswered = unanswered + 1" if lost else ""
        self._update(uid, again, state="PLANNED", job_id=None, message=message)

    def ended(self, uid: str, state: str, message: str = "", used: float | None = None) -> None:
        """Note how a job ended: DONE (its result is stored), FAILED or CANCELLED."""
        self._update(uid, state=state, message=message, used_seconds=used)

    def used(self, uid: str, seconds: float) -> None:
        """Note what a job used that had ended before that was known."""
        self._update(uid, used_seconds=seconds)

    def said(self, uid: str, message: str) -> None:
        """Note what is to be said of a job."""
        self._update(uid, message=message)

    def spare(self, uid: str, job_id: str) -> None:
        """Note that another job of an ended one came to light, and was cancelled.

        Where the ended one had none, it stands in its place, and what it used is to be asked.
        """
        unknown = "used_seconds = CASE WHEN job_id IS NULL THEN NULL ELSE used_seconds END"
        self._update(uid, f"{_ANSWERED}, {unknown}, job_id = coalesce(job_id, ?)", job_id)

    def certain(self, uid: str) -> None:
        """Note that no job will come to light any more."""
        self._update(uid, unanswered=0)

    def give_up(self, run: str) -> None:
        """Note that the user cancelled a whole run: the same experiment then begins afresh."""
        with self._open() as connection:
            connection.execute("INSERT OR IGNORE INTO given_up VALUES (?)", (run,))

    def take_up(self, run: str) -> None:
        """Note that the user goes on with a run that was given up."""
        with self._open() as connection:
            connection.execute("DELETE FROM given_up WHERE run = ?", (run,))

    def given_up(self) -> set[str]:
        """Return the runs that were given up."""
        with self._open() as connection:
            return {run for (run,) in connection.execute("SELECT run FROM given_up")}

    def job(self, uid: str) -> JobRecord:
        """Return one job. Raises ConfigError where it was never entered."""
        for job in self._select("uid = ?", uid):
            return job
        raise ConfigError(f"{self.path}: no job {uid!r}, which the run holds")

    def jobs(self, run: str | None = None) -> list[JobRecord]:
        """Return the jobs of a run, or of all, in the order in which they were planned."""
        return self._select("1") if run is None else self._select("run = ?", run)

    def spent(self, device: str, besides: Container[str] = ()) -> float:
        """Return the QPU seconds that the jobs of a device used, or are predicted to use.

        What a job used counts where the backend has said, else what was predicted, however it
        ended: a cancelled or failed job may have run. One that no request left for counts
        nothing; neither do the uids `besides`.
        """
        return sum(
            job.qpu_seconds if job.used_seconds is None else job.used_seconds
            for job in self._select("device = ?", device)
            if job.uid not in besides and job.state != "PLANNED"
        )

    def executed(self, device: str, besides: Container[str] = ()) -> int:
        """Return the executions that the jobs of a device took, or may have taken.

        A failed job counts, and so does a request that nobody knows the end of; the uids
        `besides` do not.
        """
        found = [j for j in self._select("device = ?", device) if j.uid not in besides]
        return sum(job.executions * (job.unanswered + job.was_sent) for job in found)

    def sent_within(self, device: str, seconds: float) -> list[datetime]:
        """Return when requests left for a device in the last `seconds`, oldest first."""
        since = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
        found = self._select("device = ? AND sent > ?", device, since)
        return sorted(datetime.fromisoformat(job.sent) for job in found if job.sent)

    def _update(self, uid: str, also: str = "", *values: object, **fields: object) -> None:
        assignments = ", ".join([f"{name} = ?" for name in fields] + [also] * bool(also))
        with self._open() as connection:
            connection.execute(
                f"UPDATE jobs SET {assignments} WHERE uid = ?", (*fields.values(), *values, uid)
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


_ANSWERED = "unanswered = max(unanswered - 1, 0)"


def new_uid() -> str:
    """Return a uid that no other job has: one made from content would adopt old jobs."""
    return f"qrec-{uuid.uuid4().hex}"
