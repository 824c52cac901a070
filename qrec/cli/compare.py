"""``qrec compare``: what does noise do to it?"""

from typing import Annotated

import typer

from qrec.cli._shared import AllowCode, AsJson, BackendsFile, show_json, show_tables


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Ids, unique parts of them, or `latest`.")
    ],
    as_json: AsJson = False,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Show which rows differ: predictions on the same pairs with intervals, other rows by key."""
    from qrec.runner.compare import compare_runs
    from qrec.runner.run import make_places

    rows, tables = compare_runs(runs, make_places(None, backends, allow_code))
    if as_json:
        show_json({"rows": [row.as_dict() for row in rows]})
    else:
        show_tables(tables)
