"""Jobs: cut from units, sent once, waited for by whoever asks, put together again."""

import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence

import numpy as np

from qrec.backends.base import Backend, Estimate, Permit, Raw, Unit, rows_of
from qrec.errors import BusyError, QrecError, RejectedError, UnknownOutcomeError
from qrec.runs.files import write, write_json, write_text
from qrec.runs.folder import RunFolder
from qrec.runs.jobs import Key, Part, PlannedJob
from qrec.runs.ledger import Ledger, new_uid
from qrec.runs.locks import submit_lock

_ATTEMPTS = 4  # requests for one job before the user is told to come back
_FIRST_WAIT_SECONDS = 1.0  # doubled from attempt to attempt, unless the service names a time
_MINUTE = 60.0
sleep = time.sleep  # tests put their own clock here

Questions = Mapping[Key, Sequence[Unit]]  # what is asked of one backend


def plan_jobs(backend: Backend, name: str, questions: Questions) -> list[PlannedJob]:
    """Pack the units of all questions into as few jobs as the backend's limits allow.

    `name` is what the run calls the backend.
    """
    pieces = list(_pieces(backend, questions))
    if pieces and _fits(backend, [unit for _, unit in pieces]):
        return [_job(backend, name, pieces)]  # as it mostly is: piece by piece takes long
    jobs: list[PlannedJob] = []
    packed: list[tuple[Part, Unit]] = []
    for part, unit in pieces:
        if packed and not _fits(backend, [*(u for _, u in packed), unit]):
            jobs.append(_job(backend, name, packed))
            packed = []
        packed.append((part, unit))
    return [*jobs, _job(backend, name, packed)] if packed else jobs


def units_of(job: PlannedJob, questions: Questions) -> list[Unit]:
    """Return the units that a job sends."""
    return [rows_of(questions[p.key][p.circuit], p.start, p.stop) for p in job.parts]


def submit_job(
    ledger: Ledger, backend: Backend, uid: str, run: str, units: Sequence[Unit], permit: Permit
) -> None:
    """See that the backend has this job exactly once, whatever goes wrong in between.

    Raises RejectedError where the backend refuses it; BusyError and UnknownOutcomeError where
    it must be tried again later, by the same command.
    """
    wait, failure, doubt = _FIRST_WAIT_SECONDS, QrecError("never tried"), False
    for attempt in range(_ATTEMPTS):
        if attempt:
            sleep(wait)
            wait *= 2
        if ledger.job(uid).state == "SUBMITTING":
            doubt = True
            if reconcile(ledger, backend, uid):
                return
        _throttle(ledger, backend)
        ledger.submitting(uid)
        try:
            job_id = backend.send(units, uid, run, permit)
        except RejectedError as error:
            ledger.ended(uid, "FAILED", str(error), used=0.0)
            raise
        except BusyError as error:
            ledger.planned(uid, str(error))
            failure, wait = error, error.seconds or wait
        except UnknownOutcomeError as error:
            failure = error
        else:
            ledger.submitted(uid, job_id)
            if doubt:  # an earlier request's job may have come to light only now
                ledger.submitted(uid, backend.find(uid) or job_id)
            return
    raise failure


def settle(ledger: Ledger, backend: Backend, uid: str) -> None:
    """Adopt a job whose request was never answered, if the backend has it; send nothing.

    Where it has none the doubt stays, for `submit_job` to send it. While another process is
    submitting, the doubt may be that process's own and is left to it.
    """
    if ledger.job(uid).state == "SUBMITTING":
        with submit_lock() as mine:
            if mine and ledger.job(uid).state == "SUBMITTING":
                _adopted(ledger, backend, uid)


def reconcile(ledger: Ledger, backend: Backend, uid: str) -> bool:
    """Settle a doubt: adopt the job if the backend has it, or else plan it again."""
    if _adopted(ledger, backend, uid):
        return True
    ledger.planned(uid)
    return False


def collect_job(
    ledger: Ledger, backend: Backend, folder: RunFolder, uid: str, submitting: bool = False
) -> str:
    """Ask for a submitted job, store its result if it has one, and return its state.

    With `submitting`, for whoever holds the submitter's lock, a job that was lost with its
    process is planned again.
    """
    job_id = ledger.job(uid).job_id
    assert job_id is not None
    stored = folder.has_payload(uid)
    if backend.is_local and not stored and backend.find(uid) is None:
        if not submitting:  # its process may be at work on it: `qrec submit` knows
            return "SUBMITTED"
        ledger.planned(uid, "its process ended before the result was stored")
        return "PLANNED"
    state = "DONE" if stored else backend.poll(job_id)
    if state in ("FAILED", "CANCELLED"):
        ledger.ended(uid, state, backend.reason(job_id), used=usage(backend, job_id, folder, uid))
    if state == "DONE":
        if not stored:
            payload = backend.collect(job_id)
            write(folder.payload_path(uid), lambda file: file.write(payload))
        try:
            used = usage(backend, job_id, folder, uid)
        except RejectedError:  # the result is here; the predicted seconds count then
            used = None
        ledger.ended(uid, "DONE", used=used)
    return state


def assemble(
    folder: RunFolder,
    jobs: Sequence[PlannedJob],
    backend: Callable[[str], Backend],
    done: Container[str],
) -> dict[Key, list[Raw]]:
    """Return the answers to the questions all of whose parts have come, rows in order.

    `done` are the uids of the jobs whose results are stored.
    """
    pieces: dict[Key, dict[int, list[tuple[int, Raw]]]] = {}
    missing = {part.key for job in jobs if job.uid not in done for part in job.parts}
    for job in jobs:
        if job.uid not in done or all(part.key in missing for part in job.parts):
            continue
        sizes = [part.stop - part.start for part in job.parts]
        raws = backend(job.backend).decode(folder.payload_path(job.uid).read_bytes(), sizes)
        for part, raw in zip(job.parts, raws, strict=True):
            if part.key not in missing:
                circuits = pieces.setdefault(part.key, {})
                circuits.setdefault(part.circuit, []).append((part.start, raw))
    return {key: [_whole(found) for _, found in sorted(of.items())] for key, of in pieces.items()}


def _whole(pieces: list[tuple[int, Raw]]) -> Raw:
    """Return pieces of one circuit's rows, with where each begins, as one."""
    ordered = [raw for _, raw in sorted(pieces, key=lambda piece: piece[0])]
    return {name: np.concatenate([raw[name] for raw in ordered]) for name in ordered[0]}


def _pieces(backend: Backend, questions: Questions) -> Iterator[tuple[Part, Unit]]:
    """Yield every unit, cut into rows where it exceeds a job's limits by itself."""
    for (step, number), units in questions.items():
        for index, unit in enumerate(units):
            n_rows = len(unit.workload)
            size = min(n_rows, backend.limits.evaluations or n_rows)
            while size > 1 and not _fits(backend, [rows_of(unit, 0, size)]):
                size = -(-size // 2)
            for start in range(0, n_rows, size):
                part = Part(step, number, index, start, min(start + size, n_rows))
                yield part, rows_of(unit, part.start, part.stop)


def _fits(backend: Backend, units: list[Unit]) -> bool:
    limits, asked = backend.limits, backend.estimate(units)
    payload = sum(unit.workload.parameters.nbytes for unit in units)
    bounds = [
        (limits.pubs, asked.pubs),
        (limits.executions, asked.executions),
        (limits.qpu_seconds, asked.qpu_seconds),
        (limits.payload_bytes, payload),
    ]
    return all(most is None or found <= most for most, found in bounds)


def _job(backend: Backend, name: str, packed: Sequence[tuple[Part, Unit]]) -> PlannedJob:
    asked: Estimate = backend.estimate([unit for _, unit in packed])
    parts = tuple(part for part, _ in packed)
    return PlannedJob(new_uid(), name, backend.name, parts, asked.executions, asked.qpu_seconds)


def _adopted(ledger: Ledger, backend: Backend, uid: str) -> bool:
    job_id = backend.find(uid)
    if job_id is not None:
        ledger.submitted(uid, job_id)
    return job_id is not None


def _throttle(ledger: Ledger, backend: Backend) -> None:
    """Wait until the backend's allowance of jobs per minute has room for one more."""
    most = backend.limits.jobs_per_minute
    if most is None:
        return
    recent = ledger.sent_within(backend.name, _MINUTE)
    if len(recent) >= most:
        age = time.time() - recent[-most].timestamp()
        sleep(max(0.0, _MINUTE - age))


def usage(backend: Backend, job_id: str, folder: RunFolder, uid: str) -> float | None:
    """Store what the backend says of a job that ended; return the QPU seconds it used."""
    metrics = backend.metrics(job_id)
    if metrics:
        running = metrics.get("timestamps", {}).get("running")
        if running:
            metrics = metrics | {"snapshot": _snapshot(backend, running, folder)}
        write_json(folder.payload_path(uid).with_name(f"{uid}.metrics.json"), metrics)
    used = metrics.get("usage", {}).get("qpu_charge_time_seconds")
    return None if used is None else float(used)


def _snapshot(backend: Backend, running: str, folder: RunFolder) -> str | None:
    """Store the device as it was when a job ran, once for all jobs; return the file's name.

    Where the backend refuses to say, its answer stands in the name's place.
    """
    try:
        found = backend.snapshot_at(running)
    except RejectedError as error:
        return str(error)
    if found is None:
        return None
    write_text(folder.path / found.file, found.text())
    return found.file
