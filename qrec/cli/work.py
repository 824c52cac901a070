"""``qrec work``: one of any number of processes that share the work on a run."""

from typing import Annotated

import typer

from qrec.cli._shared import (
    AllowCode,
    AsJson,
    BackendsFile,
    DataDir,
    OneRun,
    show_json,
    show_note,
    show_run,
)
from qrec.errors import NotFinishedError


def work(
    run: OneRun,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes of this machine.")] = 1,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Take open steps of a run until all are done, beside others that do the same.

    They may be on any machines that share the folder of the run; who comes last makes its tables
    and prints them.
    """
    from qrec.runner.load import restore
    from qrec.runner.run import check_jobs, make_places, take_part
    from qrec.runs.folder import find_run
    from qrec.runs.progress import progress

    check_jobs(jobs)
    folder = find_run(run)
    experiment = restore(folder, make_places(data_dir, backends, allow_code))
    try:
        with progress() as report:
            done = take_part(folder, experiment, report, jobs)
    except KeyboardInterrupt:
        raise NotFinishedError(
            f"stopped; what is finished is kept. Go on with: qrec work {folder.id}"
        ) from None
    if done is not None:
        show_run(done, as_json)
        done.check_whole()
    elif as_json:
        show_json({"run": folder.id})
    else:
        show_note(f"run {folder.id} is finished; its tables: qrec show {folder.id}")
