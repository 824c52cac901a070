"""``qrec status``: where the jobs are."""

from typing import Annotated

import typer

from qrec.cli._shared import AllowCode, AsJson, BackendsFile, cell, show_json, show_tables


def status(
    run: Annotated[
        str | None, typer.Argument(help="A run's id, a unique part of it, or `latest`.")
    ] = None,
    as_json: AsJson = False,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Show the jobs of a run, or of all runs."""
    from qrec.analysis.table import Table
    from qrec.runner.run import make_places
    from qrec.runner.status import states

    rows = states(run, make_places(None, backends, allow_code))
    if as_json:
        show_json({"rows": [row.as_dict() for row in rows]})
        return
    columns = ["run", "backend", "job", "state", "executions", "QPU s", "used s", "message"]
    body = [[cell(value) for value in row.as_dict().values()] for row in rows]
    show_tables([Table("jobs", columns, body, n_text=4)])
