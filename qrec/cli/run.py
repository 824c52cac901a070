"""``qrec run``: does it work?"""

from typing import TYPE_CHECKING, Annotated

import typer

from qrec.cli._shared import (
    AllowCode,
    AsJson,
    BackendNames,
    BackendsFile,
    Changes,
    DataDir,
    show_json,
    show_run,
    show_tables,
)
from qrec.errors import ConfigError, NotFinishedError

if TYPE_CHECKING:
    from qrec.experiments.base import Experiment
    from qrec.runner.run import Run
    from qrec.runs.folder import RunFolder


def run(
    exp: Annotated[str | None, typer.Argument(help="A packaged experiment or a YAML file.")] = None,
    backend: BackendNames = None,
    change: Changes = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes that share the steps.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    begin_only: Annotated[
        bool, typer.Option("--begin", help="Begin a run for `qrec work`, and print its id.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Finish a stopped run.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Run an experiment and print its tables."""
    from qrec.runner.load import load, parse_override, restore
    from qrec.runner.run import begin, check_jobs, make_places, refuse_paid
    from qrec.runs.folder import find_run

    check_jobs(jobs)
    places = make_places(data_dir, backends, allow_code)
    if resume is not None:
        if exp or backend or change or dry_run or begin_only:
            raise ConfigError("--resume takes the experiment as it was begun: give no EXP, -b, "
                              "--set, --dry-run or --begin beside it")  # fmt: skip
        folder = find_run(resume)
        experiment = restore(folder, places)
    elif exp is None:
        raise ConfigError("which experiment? `qrec list experiments` names them")
    else:
        overrides = dict(map(parse_override, change or []))
        experiment = load(exp, overrides, backend, places)
        if dry_run:
            _show_plan(experiment, as_json)
            return
        refuse_paid(experiment)
        folder = begin(experiment)
        if begin_only:
            show_json({"run": folder.id}) if as_json else print(folder.id)
            return
    done = _finish(folder, experiment, jobs)
    show_run(done, as_json)
    done.check_whole()


def _finish(folder: "RunFolder", experiment: "Experiment", jobs: int) -> "Run":
    from qrec.runner.run import finish
    from qrec.runs.progress import progress

    try:
        with progress() as report:
            return finish(folder, experiment, report, jobs)
    except KeyboardInterrupt:
        raise NotFinishedError(
            f"stopped; what is finished is kept. Go on with: qrec run --resume {folder.id}"
        ) from None


def _show_plan(experiment: "Experiment", as_json: bool) -> None:
    from qrec.runner.load import opened
    from qrec.runner.run import prepare, refuse_paid

    refuse_paid(experiment)  # and a name that stands for none
    prepare(experiment)
    with opened(experiment.places):
        plan = experiment.plan()
    if as_json:
        show_json({"rows": [dict(zip(plan.columns, row, strict=True)) for row in plan.rows]})
    else:
        show_tables([plan])
