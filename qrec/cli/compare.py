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
    """Show what differs in the experiments of runs and in what they found.

    Predictions are compared on the same pairs, with intervals; other rows by what names them.
    """
    from qrec.analysis.specs import specs_table
    from qrec.runner.compare import compare_runs
    from qrec.runner.run import make_places

    found = compare_runs(runs, make_places(None, backends, allow_code))
    if as_json:
        differ = [one.as_dict() for one in found.specs]
        show_json({"specs": differ, "rows": [row.as_dict() for row in found.rows]})
        return
    specs = [specs_table(found.specs, len(runs))] if len(runs) > 1 else []
    show_tables([*specs, *found.tables])
