"""Pieces: units cut and packed into jobs, results checked and put together again."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence

import numpy as np

from qrec.backends.base import Backend, Estimate, Raw, Unit, rows_of
from qrec.errors import ConfigError, MissingError
from qrec.runs.folder import RunFolder
from qrec.runs.jobs import Key, Part, PlannedJob
from qrec.runs.ledger import new_uid

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


def problem_of(backend: Backend, job: PlannedJob, payload: bytes) -> str:
    """Return what is wrong with what a job gave, "" where it answers what was asked."""
    sizes = _sizes(job)
    try:
        raws = backend.decode(payload, sizes)
    except (ConfigError, MissingError):  # of the installation, not of what came
        raise
    except Exception as error:  # a decoder fails in its own way on what is none of its own
        said = "; ".join(str(error).splitlines())
        return f"it cannot be read as {len(sizes)} PUBs ({type(error).__name__}: {said})"
    if len(raws) != len(sizes):
        return f"{len(raws)} PUBs came where {len(sizes)} were asked"
    for number, (raw, size) in enumerate(zip(raws, sizes, strict=True)):
        for name, array in raw.items():
            if array.ndim == 0 or len(array) != size:
                return f"PUB {number}: {name} of shape {array.shape} where {size} rows were asked"
        shots = _shots(raw)
        if shots is not None and backend.shots is not None and shots < backend.shots:
            return f"PUB {number}: {shots} shots came where {backend.shots} were asked"
    return ""


def assemble(
    folder: RunFolder,
    jobs: Sequence[PlannedJob],
    backend: Callable[[str], Backend],
    done: Container[str],
) -> dict[Key, list[Raw]]:
    """Return the answers to the questions all of whose parts have come, rows in order.

    `done` are the uids of the jobs whose results are stored. Raises ConfigError for one that no
    longer is what it was.
    """
    pieces: dict[Key, dict[int, list[tuple[int, Raw]]]] = {}
    missing = {part.key for job in jobs if job.uid not in done for part in job.parts}
    for job in jobs:
        if job.uid not in done or all(part.key in missing for part in job.parts):
            continue
        path = folder.payload_path(job.uid)
        payload = path.read_bytes()
        if problem := problem_of(backend(job.backend), job, payload):
            raise ConfigError(f"{path}: {problem}: it was changed since it was stored")
        raws = backend(job.backend).decode(payload, _sizes(job))
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
    return PlannedJob(
        new_uid(), name, backend.name, backend.device, parts, asked.executions, asked.qpu_seconds
    )


def _sizes(job: PlannedJob) -> list[int]:
    return [part.stop - part.start for part in job.parts]


def _shots(raw: Raw) -> int | None:
    """Return how many shots stand behind the row with fewest; None where values came."""
    if "bits" in raw:
        return raw["bits"].shape[1] if raw["bits"].ndim > 1 else 0
    return int(raw["counts"].sum(axis=-1).min()) if "counts" in raw else None
