"""``qrec cancel``: no more of it."""

from typing import Annotated

import typer

from qrec.cli._shared import show_note


def cancel(
    run: Annotated[str, typer.Argument(help="A run's id or path, or `latest`.")],
) -> None:
    """Cancel the jobs of a run that have not ended."""
    from qrec.runner.status import cancel as end

    jobs = end(run)
    cancelled = sum(job.state == "CANCELLED" for job in jobs)
    show_note(f"{cancelled} of {len(jobs)} jobs are cancelled; the others had ended")
