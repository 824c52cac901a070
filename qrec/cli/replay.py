"""``qrec replay``: the results again, from what is stored."""

from typing import Annotated

import typer

from qrec.cli._shared import AsJson, BackendsFile, DataDir, show_json, show_note, show_tables


def replay(
    run: Annotated[str, typer.Argument(help="A run's id or path, or `latest`.")] = "latest",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
) -> None:
    """Make samples, table and report again from the raw results; no backend is asked."""
    from qrec.experiments._detached import replay as again
    from qrec.experiments._run import make_places
    from qrec.runs.progress import progress

    with progress() as report:
        found = again(run, make_places(data_dir, backends), report)
    if as_json:
        show_json(found.as_json())
    else:
        show_tables(found.results.tables)
    show_note(f"run {found.id}; report: {found.folder.path / 'report.html'}")
