"""``qrec tune``: which hyper-parameters? Chosen on validation ratings, as many trials for each."""

import shlex
import sys
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
    show_note,
    show_tables,
)
from qrec.errors import ConfigError, NotFinishedError

if TYPE_CHECKING:
    from qrec.experiments.base import Experiment
    from qrec.runner.tune import Study


def tune(
    exp: Annotated[str | None, typer.Argument(help="A packaged experiment or a YAML file.")] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="Trials of each entry, the default first.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="LABEL", help="Tune this entry alone.")
    ] = None,
    backend: BackendNames = None,
    change: Changes = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes that share the trials.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be tried.")] = False,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="STUDY", help="Go on with, or join, a study.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Choose the hyper-parameters of a comparison's recommenders on its validation ratings.

    Every entry gets the same number of trials. What is found is an experiment that `qrec run`
    takes, in the folder of the study with the record of all trials.
    """
    from qrec.runner.load import load, parse_override
    from qrec.runner.run import check_jobs, make_places, prepare
    from qrec.runner.tune import begin_study, check, open_study

    check_jobs(jobs)
    places = make_places(data_dir, backends, allow_code)
    if resume is not None:
        if exp or trials or only or backend or change or dry_run:
            raise ConfigError("--resume takes the study as it was begun: give no EXP, --trials, "
                              "--only, -b, --set or --dry-run beside it")  # fmt: skip
        study = open_study(resume, places)
    elif exp is None:
        raise ConfigError("which experiment? `qrec list experiments` names them")
    else:
        overrides = dict(map(parse_override, change or []))
        overrides |= {"tune.trials": trials} if trials else {}
        overrides |= {"tune.only": only} if only else {}
        experiment = load(exp, overrides, backend, places)
        if dry_run:
            check(experiment)
            prepare(experiment)
            _show_plan(experiment, as_json)
            return
        study = begin_study(experiment, shlex.join(["qrec", *sys.argv[1:]]))
    _finish(study, jobs)
    _show(study, as_json)


def _finish(study: "Study", jobs: int) -> None:
    from qrec.runner.tune_parallel import work_parallel
    from qrec.runs.progress import progress

    try:
        with progress() as report:
            if jobs > 1:
                work_parallel(study, jobs, report)
            else:
                study.work(report)
    except KeyboardInterrupt:
        raise NotFinishedError(
            "stopped; the trials that ended are kept. Go on with: "
            f"qrec tune --resume {study.folder.id}"
        ) from None


def _show(study: "Study", as_json: bool) -> None:
    from qrec.runner.tuned import tuned_table, write_tuned

    rows, path = write_tuned(study), study.folder.path
    if as_json:
        show_json({"study": study.folder.id, "rows": [row.as_dict() for row in rows]})
    else:
        spec = study.experiment.spec
        show_tables([tuned_table(rows, f"{spec.name}: tuned on {spec.dataset['name']}")])
    show_note(f"study {study.folder.id}; all trials: {path / 'trials.csv'}")
    show_note(f"run what was found with: qrec run {path / 'tuned.yaml'}")


def _show_plan(experiment: "Experiment", as_json: bool) -> None:
    from qrec.runner.tune import plan
    from qrec.runner.tuned import plan_table

    planned = plan_table(plan(experiment), experiment.spec.name)
    if as_json:
        rows = [dict(zip(planned.columns, row, strict=True)) for row in planned.rows]
        show_json({"rows": rows})
    else:
        show_tables([planned])
