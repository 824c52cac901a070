"""``qrec run``: does it work?"""

from typing import TYPE_CHECKING, Annotated

import typer

from qrec.cli._shared import (
    AsJson,
    BackendNames,
    BackendsFile,
    Changes,
    DataDir,
    show_json,
    show_note,
    show_tables,
)
from qrec.errors import ConfigError, NotFinishedError

if TYPE_CHECKING:
    from qrec.experiments import Run
    from qrec.experiments._base import BaseExperiment
    from qrec.runs.folder import RunFolder


def run(
    exp: Annotated[str | None, typer.Argument(help="A packaged experiment or a YAML file.")] = None,
    backend: BackendNames = None,
    change: Changes = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Finish a stopped run.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
) -> None:
    """Run an experiment and print its table."""
    from qrec.experiments import load_experiment, restore_experiment
    from qrec.experiments._load import parse_override
    from qrec.experiments._run import begin, make_places
    from qrec.runs.folder import find_run

    places = make_places(data_dir, backends)
    if resume is not None:
        if exp or backend or change or dry_run:
            raise ConfigError("--resume takes the experiment as it was begun: give no EXP, -b, "
                              "--set or --dry-run beside it")  # fmt: skip
        folder = find_run(resume)
        experiment = restore_experiment(folder.spec(), places)
    elif exp is None:
        raise ConfigError("which experiment? `qrec list experiments` names them")
    else:
        overrides = dict(map(parse_override, change or []))
        experiment = load_experiment(exp, overrides, backend, places)
        if dry_run:
            _show_plan(experiment, as_json)
            return
        folder = begin(experiment)
    _show(_finish(folder, experiment), as_json)


def _finish(folder: "RunFolder", experiment: "BaseExperiment") -> "Run":
    from qrec.experiments._run import finish
    from qrec.runs.progress import progress

    try:
        with progress() as report:
            return finish(folder, experiment, report)
    except KeyboardInterrupt:
        raise NotFinishedError(
            f"stopped; what is finished is kept. Go on with: qrec run --resume {folder.id}"
        ) from None


def _show(done: "Run", as_json: bool) -> None:
    if as_json:
        show_json(done.as_json())
    else:
        show_tables(done.results.tables)
    show_note(f"run {done.id}; report: {done.folder.path / 'report.html'}")


def _show_plan(experiment: "BaseExperiment", as_json: bool) -> None:
    plan = experiment.plan()
    if as_json:
        show_json({"rows": [dict(zip(plan.columns, row, strict=True)) for row in plan.rows]})
    else:
        show_tables([plan])
