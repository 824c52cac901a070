"""``qrec cancel``: no more of it."""

from typing import Annotated

import typer

from qrec.cli._shared import AllowCode, BackendsFile, agreed, show_note
from qrec.errors import ConfigError


def cancel(
    run: Annotated[
        str | None, typer.Argument(help="A run's id, a unique part of it, or `latest`.")
    ] = None,
    job: Annotated[
        str | None, typer.Option("--job", metavar="ID", help="Cancel this job, of any run or none.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Cancel all jobs that are in flight, of all runs.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Cancel without asking.")] = False,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Cancel the jobs of a run that have not ended, one job, or all that are in flight.

    A job that runs on is named, and the exit status is not 0.
    """
    from qrec.runner.cancel import cancel as end
    from qrec.runner.cancel import cancel_all, cancel_job
    from qrec.runner.run import make_places

    if sum([run is not None, job is not None, every]) != 1:
        raise ConfigError("qrec cancel: expected one of RUN, --job ID and --all")
    places = make_places(None, backends, allow_code)
    if job is not None:
        cancel_job(job, lambda what: agreed(f"{what}. Cancel it?", yes), places)
        show_note(f"job {job} has ended")
    else:
        done = end(run, places) if run is not None else cancel_all(places)
        show_note(f"{done.said}; the others had ended")
