"""``qrec report``: a run's page, made again from its files."""

from typing import Annotated

import typer


def report(
    run: Annotated[str, typer.Argument(help="A run's id or path, or `latest`.")] = "latest",
) -> None:
    """Make report.html of a finished run again and print its path."""
    from qrec.runner.run import stored

    print(stored(run).folder.path / "report.html")
