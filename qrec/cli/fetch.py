"""``qrec fetch``: what came back."""

from typing import Annotated

import typer

from qrec.cli._shared import (
    AllowCode,
    AsJson,
    BackendsFile,
    DataDir,
    show_json,
    show_note,
    show_tables,
)
from qrec.errors import QrecError


def fetch(
    run: Annotated[
        str | None, typer.Argument(help="A run's id, a unique part of it, or `latest`.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Collect the results of a submitted run, or of all, and finish those that are complete."""
    from qrec.runner.fetch import fetch as collect
    from qrec.runner.fetch import waiting_runs
    from qrec.runner.run import make_places
    from qrec.runs.progress import progress

    places = make_places(data_dir, backends, allow_code)
    waiting = [run] if run is not None else waiting_runs()
    if not waiting:
        show_note("no submitted run waits to be fetched")
    done, problems = [], []
    for one in waiting:
        try:
            with progress() as report:
                done.append(collect(one, places, report))
        except QrecError as error:
            if run is not None:
                raise
            problems.append(error)
    if as_json:
        show_json({"runs": [found.as_json() for found in done]})
    for found in done:
        if not as_json:
            show_tables(found.tables)
        show_note(f"run {found.id}; report: {found.folder.path / 'report.html'}")
    for problem in problems[:-1]:
        show_note(f"qrec: {problem}")
    if problems:
        raise problems[-1]
