"""``qrec status``: where the jobs are, and how far a run is."""

from typing import Annotated

import typer

from qrec.cli._shared import (
    AllowCode,
    AsJson,
    BackendsFile,
    cell,
    show_json,
    show_note,
    show_tables,
)
from qrec.errors import QrecError


def status(
    run: Annotated[
        str | None, typer.Argument(help="A run's id, a unique part of it, or `latest`.")
    ] = None,
    as_json: AsJson = False,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Show the jobs of all runs, or those of a run and how its steps stand."""
    from qrec.analysis.table import Table
    from qrec.runner.run import make_places
    from qrec.runner.status import states
    from qrec.runner.steps import steps_of, steps_table

    places = make_places(None, backends, allow_code)
    rows = states(run, places)
    steps = []
    if run is not None:
        try:
            steps = steps_of(run, places)
        except QrecError as error:  # its jobs are at the service all the same
            show_note(str(error))
    if as_json:
        said = {"rows": [row.as_dict() for row in rows]}
        show_json(said | ({} if run is None else {"steps": [row.as_dict() for row in steps]}))
        return
    if steps:
        show_tables([steps_table(steps)])
        if not rows:
            return
    columns = ["run", "backend", "job", "state", "executions", "QPU s", "used s", "message"]
    body = [[cell(value) for value in row.as_dict().values()] for row in rows]
    show_tables([Table("jobs", columns, body, n_text=4)])
