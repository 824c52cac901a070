"""``qrec submit``: what happens on a real device? The cost first, then the jobs."""

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
    cell,
    show_json,
    show_note,
    show_tables,
)
from qrec.errors import ConfigError, NotFinishedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from qrec.analysis.table import Table
    from qrec.experiments.base import Experiment
    from qrec.runner.budget import Round
    from qrec.runner.submit import Sent
    from qrec.runs.progress import Report


def submit(
    exp: Annotated[str | None, typer.Argument(help="A packaged experiment or a YAML file.")] = None,
    backend: BackendNames = None,
    change: Changes = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Send what a run asks next.")
    ] = None,
    again: Annotated[
        str | None,
        typer.Option(
            "--again",
            metavar="JOB_OR_RUN",
            help="Give up results that came and cannot be used, and send their jobs again.",
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay, round after round, to the end.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the cost; send nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Send without asking.")] = False,
    max_qpu_seconds: Annotated[
        float | None, typer.Option(help="Budget of QPU time, used time included.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Send an experiment's circuits as jobs that outlive this process.

    The same command again, after whatever stopped it, sends what is missing and nothing else.
    Where answers raise new questions, as in a training, --resume sends the next round. A run
    that `qrec cancel` ended is given up: the same command begins afresh, --resume goes on.
    """
    from qrec.runner import submit as submitting
    from qrec.runner.budget import check_allowance
    from qrec.runner.load import load, parse_override
    from qrec.runner.run import make_places
    from qrec.runs.progress import progress

    check_allowance(max_qpu_seconds)  # before the minutes that planning can take
    places = make_places(data_dir, backends, allow_code)
    confirm = _confirm(as_json, yes)
    if resume is not None or again is not None:
        if exp or backend or change or dry_run or (resume and again):
            raise ConfigError("--resume and --again take the experiment as it was begun: give one "
                              "of them, and no EXP, -b, --set or --dry-run beside it")  # fmt: skip
        send = submitting.resubmit if resume is not None else submitting.send_again
        with progress() as report:
            sent = send(str(resume or again), places, confirm, max_qpu_seconds, report)
    elif exp is None:
        raise ConfigError("which experiment? `qrec list experiments` names them")
    else:
        experiment = load(exp, dict(map(parse_override, change or [])), backend, places)
        with progress() as report:
            if dry_run:
                _dry_run(experiment, max_qpu_seconds, as_json, report)
                return
            sent = submitting.submit(experiment, confirm, max_qpu_seconds, report)
    if as_json:
        rows = [row.as_dict() for planned in sent.rounds for row in planned.rows()]
        show_json({"run": sent.work.folder.id, "rows": rows})
    for problem in sent.problems:
        show_note(f"qrec: {problem}")
    with progress() as report:
        _go_on(sent, follow, max_qpu_seconds, report)
    run = sent.work.folder.id
    how = (
        "has all its answers; make its tables" if sent.work.finished else "is submitted; come back"
    )
    show_note(f"run {run} {how} with: qrec fetch {run}")


def _go_on(sent: "Sent", follow: bool, max_qpu_seconds: float | None, report: "Report") -> None:
    from qrec.runner import submit as submitting

    if not follow:
        sent.close()
        return
    try:
        submitting.follow(sent, max_qpu_seconds, report)
    except KeyboardInterrupt:
        run = sent.work.folder.id
        raise NotFinishedError(
            f"no longer attached; jobs run on. Go on with: qrec submit --resume {run} --follow"
        ) from None


def _dry_run(
    experiment: "Experiment", max_qpu_seconds: float | None, as_json: bool, report: "Report"
) -> None:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from qrec.runner.budget import check_budget
    from qrec.runner.submit import dry_round

    with TemporaryDirectory() as folder:
        planned = dry_round(experiment, Path(folder), report)
        rows = planned.rows()
        if not rows:
            show_note("nothing is left to send: what the run needs now is under way or has come")
        if as_json:
            show_json({"rows": [row.as_dict() for row in rows]})
        else:
            show_tables([cost_table(planned)])
        check_budget(planned, max_qpu_seconds)


def _confirm(as_json: bool, yes: bool) -> "Callable[[Round], None]":
    def confirm(planned: "Round") -> None:
        planned.rows()  # now, not after sending: the account is asked what it has left
        if not as_json:
            show_tables([cost_table(planned)])
        if planned.costs and not yes:
            _ask()

    return confirm


def cost_table(planned: "Round") -> "Table":
    """Return what a round costs, and the whole run at most."""
    from qrec.analysis.table import Column, build_table
    from qrec.runner.budget import CostRow

    columns: list[Column[CostRow]] = [
        Column("backend", lambda row: row.backend, text=True),
        Column("circuits", lambda row: row.circuits, cell),
        Column("PUBs", lambda row: row.pubs, cell),
        Column("jobs", lambda row: row.jobs, cell),
        Column("shots", lambda row: row.shots, cell),
        Column("executions", lambda row: row.executions, cell),
        Column("QPU s", lambda row: row.qpu_seconds, cell),
        Column("run's most", lambda row: row.most_executions, cell),
        Column("QPU s", lambda row: row.most_qpu_seconds, cell),
    ]
    notes = [
        "This round of jobs, and the executions and QPU seconds of the whole run at most; -: it "
        "hangs on answers that have not come."
    ]
    for row in planned.rows():
        if row.account_seconds is not None:
            notes.append(f"{row.backend}: the account has {row.account_seconds:.1f} s left.")
    title = f"{planned.experiment.spec.name}: what is sent"
    return build_table(title, columns, planned.rows(), notes)


def _ask() -> None:
    if not sys.stdin.isatty():
        raise ConfigError("this spends QPU time: give --yes to send without being asked")
    if not typer.confirm("This spends QPU time. Send?", err=True):
        raise ConfigError("nothing was sent")
