"""``qrec compare``: what does noise do to it?"""

from typing import Annotated

import typer

from qrec.cli._shared import AsJson, show_json, show_tables


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids, paths or `latest`.")],
    as_json: AsJson = False,
) -> None:
    """Show which rows differ, on the same test pairs, with intervals."""
    from qrec.analysis.compare import compare_runs, compare_table
    from qrec.runs.folder import find_run

    rows = compare_runs([find_run(run) for run in runs])
    if as_json:
        show_json({"rows": rows})
    else:
        show_tables([compare_table(rows)])
