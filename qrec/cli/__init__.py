"""The command line. Commands import what they need when called, so that --help is instant."""

import sqlite3
import sys
from typing import Annotated

import typer

from qrec import __version__
from qrec.cli import (
    attach,
    cancel,
    compare,
    count,
    data,
    doctor,
    explain,
    fetch,
    listing,
    replay,
    report,
    run,
    show,
    status,
    submit,
)
from qrec.errors import QrecError

app = typer.Typer(
    name="qrec",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"qrec {__version__}")
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
app.command("submit")(submit.submit)
app.command("status")(status.status)
app.command("fetch")(fetch.fetch)
app.command("cancel")(cancel.cancel)
app.command("attach")(attach.attach)
app.command("show")(show.show)
app.command("replay")(replay.replay)
app.command("compare")(compare.compare)
app.command("count")(count.count)
app.command("explain")(explain.explain)
app.command("report")(report.report)
app.command("list")(listing.listing)
app.add_typer(data.app, name="data")
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line. An error the user can do something about is one message."""
    try:
        app()
    except QrecError as error:
        print(f"qrec: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except (OSError, sqlite3.Error) as error:  # a disk that is full, a ledger that is none
        print(f"qrec: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
