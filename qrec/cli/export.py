"""``qrec export`` and ``qrec import``: a run as one file, for others and from them."""

from pathlib import Path
from typing import Annotated

import typer

from qrec.cli._shared import OneRun, show_note


def export(
    run: OneRun = "latest",
    output: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", help="Where to; else ID.zip, here.")
    ] = None,
) -> None:
    """Write a run as a zip file, with BibTeX and a script that repeats it; print its path."""
    from qrec.runner.archive import export_run

    print(export_run(run, output))


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `qrec export` wrote.")],
) -> None:
    """Put an exported run among the runs; nothing of it is run."""
    from qrec.runner.archive import import_run

    folder = import_run(file)
    print(folder.id)
    trust = ""
    if (folder.path / "code").is_dir():
        show_note(f"its own code is in {folder.path / 'code'}; nothing runs it before you say so")
        trust = " --allow-code"
    show_note(f"look at it with: qrec show {folder.id}{trust}")
