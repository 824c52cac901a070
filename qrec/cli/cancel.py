"""``qrec cancel``: no more of it."""

from typing import Annotated

import typer

from qrec.cli._shared import AllowCode, BackendsFile, show_note


def cancel(
    run: Annotated[str, typer.Argument(help="A run's id, a unique part of it, or `latest`.")],
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Cancel the jobs of a run that have not ended."""
    from qrec.runner.run import make_places
    from qrec.runner.status import cancel as end

    jobs = end(run, make_places(None, backends, allow_code))
    cancelled = sum(job.state == "CANCELLED" for job in jobs)
    show_note(f"{cancelled} of {len(jobs)} jobs are cancelled; the others had ended")
