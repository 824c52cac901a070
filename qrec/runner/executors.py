"""Work over processes of one thread each: each takes what nobody else does, by claiming it."""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from qrec.errors import QrecError
from qrec.experiments.base import Places
from qrec.runner.asking import Here
from qrec.runner.drive import Work, drive
from qrec.runs.folder import RunFolder
from qrec.runs.locks import one_worker
from qrec.runs.progress import Report, silent
from qrec.threads import VARIABLES

Serve = Callable[[Connection, Path, Places], None]

_MOST_DEATHS = 3  # of each process, one after another, without anything done between
_LAST_SECONDS = 5.0  # for a process that is told to end, to give up its claims

# What a line raises whose process died.
_DIED = (EOFError, ConnectionResetError)


@dataclass(frozen=True)
class Shared:
    """Work in a folder that processes share."""

    path: Path
    places: Places
    total: int
    left: Callable[[], int]  # of the total
    doing: Callable[[], str]
    name: str  # "run ID" or "study ID"
    resume: str  # the command that goes on with it


def run_parallel(work: Work, jobs: int, report: Report) -> None:
    """Do all steps with up to `jobs` processes; the outcomes are those of one process."""
    folder = work.folder
    shared = Shared(
        folder.path,
        work.experiment.places,
        len(work.steps),
        lambda: len(work.left()),
        lambda: ", ".join(work.claims.held()) or f"{jobs} processes",
        f"run {folder.id}",
        f"qrec run --resume {folder.id}",
    )
    share(shared, _serve, jobs, report)


def share(work: Shared, serve: Serve, jobs: int, report: Report) -> None:
    """Have up to `jobs` processes `serve` until nothing is left; one that dies is replaced.

    Each is told the folder and sends, when it ends, what it raised, or None. Raises that, and
    QrecError where they die one after another.
    """
    pool: dict[int, tuple[SpawnProcess, Connection]] = {}  # by sentinel
    deaths, fewest = 0, work.left()
    try:
        while left := work.left():
            deaths, fewest = (0, left) if left < fewest else (deaths, fewest)
            while len(pool) < min(jobs, left):
                line, process = _spawn(serve, work.path, work.places)
                pool[process.sentinel] = process, line
            report(work.doing(), work.total - left, work.total)
            for sentinel in connection.wait(list(pool), timeout=1.0):
                process, line = pool.pop(sentinel)  # type: ignore[arg-type]
                deaths += _ended(process, line)
                if deaths >= _MOST_DEATHS * jobs:
                    raise QrecError(
                        f"{work.name}: its processes died (exit status {process.exitcode}): out of "
                        f"memory? What is finished is kept; go on with: {work.resume}"
                    )
    finally:
        _end([process for process, _ in pool.values()])


def _ended(process: SpawnProcess, line: Connection) -> bool:
    """Return whether a process died. Raises what it raised, if it did."""
    try:
        raised: Exception | None = line.recv()
    except _DIED:
        return True
    finally:
        process.join()
        line.close()
    if raised is not None:
        raise raised
    return False


def _end(processes: list[SpawnProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(_LAST_SECONDS)
        process.kill()
        process.join()


def _spawn(serve: Serve, path: Path, places: Places) -> tuple[Connection, SpawnProcess]:
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
    """Do the steps of a run."""
    from qrec.runner.load import restore

    def steps() -> None:
        folder = RunFolder(path)
        with one_worker(folder):
            drive(Work(restore(folder, places), folder, Here()), silent)

    serve_until_done(line, steps)


def serve_until_done(line: Connection, work: Callable[[], None]) -> None:
    """Work, then send what that raised, or None; end before with the parent, or when told to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    raised: Exception | None = None
    try:
        work()
    except Exception as error:
        raised = _plain_error(error)
    line.send(raised)


def _leave(*_: object) -> None:
    """End as an interrupt does, giving up what is claimed."""
    raise SystemExit(1)


def _die_with_parent() -> None:
    """End this process when its parent has."""
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _plain_error(error: Exception) -> Exception:
    """Return an error that any process can read, with the traceback of a foreign one as text."""
    import traceback

    if isinstance(error, QrecError):
        return error
    return RuntimeError("".join(traceback.format_exception(error)))
