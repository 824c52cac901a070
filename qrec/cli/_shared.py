"""What commands have in common: options, and results on stdout."""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qrec.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qiskit import QuantumCircuit

    from qrec.analysis.table import Table
    from qrec.runner.run import Run

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where data sets are, instead of $QREC_DATA_DIR.")
]
BackendNames = Annotated[
    list[str] | None, typer.Option("-b", help="Backend of the experiment's circuits.")
]
Changes = Annotated[
    list[str] | None, typer.Option("--set", help="key=value, e.g. dataset=ml-100k.")
]
BackendsFile = Annotated[
    Path | None, typer.Option("--backends", help="A backends.yaml, laid over the packaged one.")
]
AllowCode = Annotated[
    bool,
    typer.Option("--allow-code", help="Run own code from elsewhere, if you trust it."),
]
OneRun = Annotated[str, typer.Argument(help="A run's id, a unique part of it, or `latest`.")]


def quiet_libraries() -> None:
    """Keep the warnings of libraries, which no reader can act on, to those who ask: ``python -W``.

    Processes that share a run's work read it from the environment.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"


def own_circuit(name: str, allow_code: bool) -> "QuantumCircuit":
    """Build a circuit that the command line names; ``module:attribute`` lies where it is given."""
    from qrec.circuits import build_circuit
    from qrec.registry import door

    with door(Path.cwd(), allow_code):
        return build_circuit(name)


def show_tables(tables: "Sequence[Table]") -> None:
    """Print tables on stdout; where that is no terminal, as plain text in 80 columns.

    As plain text too where ``$NO_COLOR`` is set.
    """
    from rich.console import Console

    from qrec.analysis.table import show, to_text

    console = Console()
    for table in tables:
        if console.is_terminal and not os.environ.get("NO_COLOR"):
            show(table, console)
        else:
            print(to_text(table, console.width if console.is_terminal else 80), end="")


def show_run(done: "Run", as_json: bool) -> None:
    """Print what a run found, and where it is."""
    if as_json:
        show_json(done.as_json())
    else:
        show_tables(done.tables)
    show_note(f"run {done.id}; report: {done.folder.path / 'report.html'}")


def show_json(content: Any) -> None:
    """Print one JSON document on stdout; ``nan`` has no place in one."""
    print(json.dumps(content, indent=1, allow_nan=False))


def cell(value: object) -> str:
    """Return a value as it stands in a table of jobs and costs."""
    return f"{value:.1f}" if isinstance(value, float) else "-" if value is None else str(value)


def agreed(question: str, yes: bool) -> None:
    """Ask before something is done that cannot be undone. Raises ConfigError for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"{question} Nobody is there to ask: give --yes")
    if not typer.confirm(question, err=True):
        raise ConfigError("nothing was done")


def show_note(text: str) -> None:
    """Print a message for the reader, on stderr so that stdout stays clean."""
    typer.echo(text, err=True)
