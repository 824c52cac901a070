"""``qrec report``: a run's page, made again from its files, or that of two runs."""

from typing import Annotated

import typer

from qrec.cli._shared import AllowCode, BackendsFile, DataDir, OneRun


def report(
    run: OneRun = "latest",
    other: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A second run, laid beside the first.")
    ] = None,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Make report.html of a finished run, or one page of two runs, and print its path."""
    from qrec.runner.beside import report_beside
    from qrec.runner.run import make_places, stored

    places = make_places(data_dir, backends, allow_code)
    if other is None:
        print(stored(run, places).folder.path / "report.html")
    else:
        print(report_beside(run, other, places))
