"""The command line. Commands import what they need when called, so that --help is instant."""

import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Annotated, Any

import typer

import qrec
from qrec.cli import (
    attach,
    cancel,
    compare,
    count,
    data,
    doctor,
    explain,
    export,
    fetch,
    listing,
    new,
    open_report,
    replay,
    report,
    run,
    schema,
    show,
    status,
    submit,
    tune,
    work,
)
from qrec.cli._missing import missing_package
from qrec.cli._shared import quiet_libraries
from qrec.errors import NotFinishedError, QrecError

app = typer.Typer(
    name="qrec",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"qrec {qrec.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it, exit."),
    ] = False,
) -> None:
    """Experiments with quantum and hybrid recommenders, on simulators and real hardware."""


_AGAIN = "give the same command again"
# Verb -> what it does, and how to go on where it is stopped before it can say that itself.
_COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "run": (run.run, f"no step was begun; {_AGAIN}"),
    "work": (work.work, f"no step was begun; {_AGAIN}"),
    "submit": (
        submit.submit,
        "what was sent runs on; the same command again sends what is missing and nothing else",
    ),
    "status": (status.status, _AGAIN),
    "fetch": (fetch.fetch, f"what was collected is kept; {_AGAIN}"),
    "cancel": (cancel.cancel, f"jobs may run on; {_AGAIN}"),
    "attach": (attach.attach, _AGAIN),
    "show": (show.show, _AGAIN),
    "replay": (replay.replay, f"the run is as it was; {_AGAIN}"),
    "compare": (compare.compare, _AGAIN),
    "count": (count.count, _AGAIN),
    "tune": (tune.tune, f"no trial was begun; {_AGAIN}"),
    "explain": (explain.explain, _AGAIN),
    "report": (report.report, f"the run is as it was; {_AGAIN}"),
    "open": (open_report.open_report, _AGAIN),
    "export": (export.export, f"nothing was written; {_AGAIN}"),
    "import": (export.import_, f"nothing was imported; {_AGAIN}"),
    "new": (new.new, _AGAIN),
    "list": (listing.listing, _AGAIN),
    "schema": (schema.schema, _AGAIN),
    "doctor": (doctor.doctor, _AGAIN),
}


def _stopped(command: Callable[..., None], how: str) -> Callable[..., None]:
    """Return a command that says how to go on when it is interrupted."""

    @wraps(command)
    def called(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except (KeyboardInterrupt, typer.Abort):  # the latter at a question
            raise NotFinishedError(f"stopped; {how}") from None

    return called


for _name, (_command, _how) in _COMMANDS.items():
    app.command(_name)(_stopped(_command, _how))
data.app.command("fetch")(_stopped(data.fetch, f"the data set is not here yet; {_AGAIN}"))
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line; whatever goes wrong is one line, and no exit status 0.

    What nobody foresaw also leaves its details in a file, which the line names. The SIGTERM by
    which a batch system ends a job is taken as an interrupt, so that its last words are the same.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    quiet_libraries()
    try:
        status = _status()
    except KeyboardInterrupt:  # before or after what the command itself can answer for
        status = _say(f"stopped; {_AGAIN}", "", NotFinishedError.exit_status)
    sys.exit(status)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _status() -> int | str | None:
    try:
        try:
            app(prog_name="qrec")
        except SystemExit as end:
            sys.stdout.flush()  # a full disk is found out only now
            return end.code
        return 0
    except QrecError as error:
        details = "" if error.__cause__ is None else _keep_details(error)
        return _say(str(error), details, error.exit_status)
    except ImportError as error:
        if (package := missing_package(error)) is None:
            return _unforeseen(error)
        said = " ".join(str(error).split())
        again = "" if isinstance(error, ModuleNotFoundError) else "--force-reinstall "
        said += f"; install it: pip install {again}{package}"
        return _say(f"{package}, which this needs, cannot be imported: {said}", "", 4)
    except BrokenPipeError:  # whoever read has seen enough, as `head` has
        _forget_stdout()
        return 1
    except (OSError, sqlite3.Error) as error:
        _forget_stdout()
        return _say(f"{type(error).__name__}: {error}", "", 1)
    except Exception as error:
        return _unforeseen(error)


def _unforeseen(error: Exception) -> int:
    said = f"{type(error).__name__}: {'; '.join(str(error).splitlines())}"
    return _say(f"unforeseen, a fault of qrec's: {said}", _keep_details(error), 1)


def _say(message: str, details: str, status: int) -> int:
    # What was found in a file may hold what a terminal would obey.
    shown = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in message)
    print(f"qrec: {shown}{details}", file=sys.stderr)
    return status


def _keep_details(error: Exception) -> str:
    """Write where an error comes from to a file; return the words that say where."""
    from qrec.data.files import cache_dir

    text = "".join(traceback.format_exception(error))
    path = cache_dir() / "errors" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{os.getpid()}.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as problem:
        return f"; its details could not be written: {problem}"
    return f"; details: {path}"


def _forget_stdout() -> None:
    """Have Python's end not try again to write what could not be written."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # no file of the system's, as under test
        return
