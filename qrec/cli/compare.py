"""``qrec compare``: what does noise do to it?"""

from typing import TYPE_CHECKING, Annotated

import typer

from qrec.cli._shared import AsJson, show_json, show_tables
from qrec.errors import NotFinishedError

if TYPE_CHECKING:
    from qrec.analysis.compare import StoredRun


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids, paths or `latest`.")],
    as_json: AsJson = False,
) -> None:
    """Show which rows differ, on the same test pairs, with intervals."""
    from qrec.analysis.compare import compare_samples, compare_table

    rows = compare_samples([_stored(run) for run in runs])
    if as_json:
        show_json({"rows": [row.as_dict() for row in rows]})
    else:
        show_tables([compare_table(rows)])


def _stored(run: str) -> "StoredRun":
    from qrec.analysis.compare import StoredRun
    from qrec.runs.folder import find_run

    folder = find_run(run)
    if not folder.finished:
        raise NotFinishedError(
            f"run {folder.id} is not finished; finish it with: qrec run --resume {folder.id}"
        )
    samples = sorted(folder.samples(), key=lambda sample: sample.notes["place"])
    return StoredRun(folder.id, folder.record().details["dataset"], samples)
