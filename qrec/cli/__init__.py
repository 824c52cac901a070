"""The command line. Commands import what they need when called, so that --help is instant."""

import os
import signal
import sqlite3
import sys
import traceback
from datetime import UTC, datetime
from typing import Annotated

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
from qrec.errors import QrecError

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


app.command("run")(run.run)
app.command("work")(work.work)
app.command("submit")(submit.submit)
app.command("status")(status.status)
app.command("fetch")(fetch.fetch)
app.command("cancel")(cancel.cancel)
app.command("attach")(attach.attach)
app.command("show")(show.show)
app.command("replay")(replay.replay)
app.command("compare")(compare.compare)
app.command("count")(count.count)
app.command("tune")(tune.tune)
app.command("explain")(explain.explain)
app.command("report")(report.report)
app.command("open")(open_report.open_report)
app.command("export")(export.export)
app.command("import")(export.import_)
app.command("new")(new.new)
app.command("list")(listing.listing)
app.command("schema")(schema.schema)
app.add_typer(data.app, name="data")
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line; whatever goes wrong is one line, and no exit status 0.

    What nobody foresaw also leaves its details in a file, which the line names. The SIGTERM by
    which a batch system ends a job is taken as an interrupt, so that its last words are the same.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    quiet_libraries()
    sys.exit(_status())


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
