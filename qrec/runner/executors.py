"""Steps over processes: each has one thread, and a step whose process dies is done again."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from qrec.errors import QrecError
from qrec.experiments.base import Places
from qrec.runner.asking import Here
from qrec.runner.drive import Work
from qrec.runs.folder import RunFolder
from qrec.runs.progress import Report, silent
from qrec.threads import VARIABLES

_MOST_DEATHS = 3  # of processes at the same step, before it is taken for the step's own fault

# What a line raises whose process died, having read what it was sent or not.
DIED = (EOFError, ConnectionResetError)


@dataclass
class _Worker:
    """A process and the line to it; `step` is what it is doing."""

    process: SpawnProcess
    line: Connection
    step: str | None = None


def run_parallel(work: Work, jobs: int, report: Report) -> None:
    """Do all steps with up to `jobs` processes; the outcomes are those of one process.

    Raises what a step raised, when those under way have ended.
    """
    deaths: dict[str, int] = {}
    error: Exception | None = None
    with _pool(work, jobs) as pool:
        while not work.finished:
            busy = {worker.step for worker in pool if worker.step is not None}
            if error is not None and not busy:
                raise error
            ready = work.ready(sorted(busy)) if error is None else []
            for worker, step in zip([w for w in pool if w.step is None], ready, strict=False):
                worker.line.send(step.name)
                worker.step = step.name
            done = sum(work.outcomes.has(step.name) for step in work.steps)
            names = [str(worker.step) for worker in pool if worker.step is not None]
            report(", ".join(names), done, len(work.steps))
            waited = {w.line: w for w in pool} | {w.process.sentinel: w for w in pool}
            for found in connection.wait(list(waited), timeout=1.0):
                error = _heard(waited[found], deaths, work, pool) or error  # type: ignore[index]


def _heard(
    worker: _Worker, deaths: dict[str, int], work: Work, pool: list[_Worker]
) -> Exception | None:
    """Take a worker's answer, or put another in the place of one that died.

    Returns what its step raised, if it did.
    """
    if worker not in pool:
        return None
    try:
        if worker.line.poll():
            answer: Exception | None = worker.line.recv()
            worker.step = None
            return answer
    except DIED:
        pass  # as its sentinel says
    if worker.process.is_alive():
        return None
    if worker.step is not None:
        deaths[worker.step] = deaths.get(worker.step, 0) + 1
        if deaths[worker.step] >= _MOST_DEATHS:
            step, worker.step = worker.step, None
            pool.remove(worker)
            return QrecError(
                f"step {step}: its process died {_MOST_DEATHS} times (exit status "
                f"{worker.process.exitcode}): out of memory? What is finished is kept"
            )
    pool[pool.index(worker)] = _begin(work)
    return None


@contextmanager
def _pool(work: Work, jobs: int) -> Iterator[list[_Worker]]:
    pool = [_begin(work) for _ in range(min(jobs, len(work.steps)))]
    try:
        yield pool
    finally:
        for worker in pool:
            worker.process.kill() if sys.exc_info()[0] else worker.line.close()
        for worker in pool:
            worker.process.join()


def _begin(work: Work) -> _Worker:
    here, process = spawn(_serve, work.folder.path, work.experiment.places)
    return _Worker(process, here)


def spawn(
    serve: Callable[[Connection, Path, Places], None], path: Path, places: Places
) -> tuple[Connection, SpawnProcess]:
    """Begin a process of one thread that serves a folder, and return the line to it."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(there, path, places), daemon=True)
    before = {name: os.environ.get(name) for name in VARIABLES}
    os.environ.update(dict.fromkeys(VARIABLES, "1"))  # BLAS reads them when it is loaded
    try:
        process.start()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    there.close()
    return here, process


def _serve(line: Connection, path: Path, places: Places) -> None:
    """Do the steps that are named on the line until it is closed."""
    from qrec.runner.load import restore

    end_with_parent()
    folder = RunFolder(path)
    work: Work | None = None
    while True:
        try:
            name = line.recv()
        except EOFError:
            return
        answer: BaseException | None = None
        try:
            work = work or Work(restore(folder, places), folder, Here())
            work.do(next(step for step in work.steps if step.name == name), silent)
        except Exception as error:
            answer = plain_error(error)
        line.send(answer)


def end_with_parent() -> None:
    """Have this process end when its parent has, and not by Ctrl-C before."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """End this process when its parent has: the run's lock is the parent's."""
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def plain_error(error: Exception) -> Exception:
    """Return an error that any process can read, with the traceback of a foreign one as text."""
    import traceback

    if isinstance(error, QrecError):
        return error
    return RuntimeError("".join(traceback.format_exception(error)))
