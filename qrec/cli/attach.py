"""``qrec attach``: this job is that run's."""

from typing import Annotated

import typer

from qrec.cli._shared import AllowCode, BackendsFile, OneRun, show_note


def attach(
    run: OneRun,
    job: Annotated[str, typer.Argument(metavar="JOB_ID", help="The service's id of the job.")],
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Give a run a job that it sent and lost; its tags and its number of PUBs are checked."""
    from qrec.runner.attach import attach as give
    from qrec.runner.run import make_places

    attached = give(run, job, make_places(None, backends, allow_code))
    show_note(f"job {job} is {attached.uid} of run {attached.run}; collect it with: qrec fetch "
              f"{attached.run}")  # fmt: skip
