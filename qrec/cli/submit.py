"""``qrec submit``: what happens on a real device? The cost first, then the jobs."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

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

PRICED = "ibm"  # the packaged entry by which a device without an account is priced


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
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="SNAPSHOT",
            help="With --dry-run: the price on fake:FakeTorino, or file:PATH, by the entry `ibm` "
            "unless -b names another; no account is asked.",
        ),
    ] = None,
    price: Annotated[
        float | None,
        typer.Option(help="Of one QPU second, by your plan: says what jobs cost in its currency."),
    ] = None,
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
    from qrec.runner.budget import check_allowance, check_budget
    from qrec.runner.load import load, parse_override
    from qrec.runner.run import make_places
    from qrec.runs.progress import progress

    check_allowance("--max-qpu-seconds", max_qpu_seconds)  # before the minutes of planning
    check_allowance("--price", price)
    places = make_places(data_dir, backends, allow_code)
    confirm = _confirm(price, as_json, yes)
    if resume is not None or again is not None:
        if exp or backend or change or dry_run or target or (resume and again):
            raise ConfigError(
                "--resume and --again take the experiment as it was begun: give one of them, and "
                "no EXP, -b, --set, --dry-run or --target beside it"
            )
        send = submitting.resubmit if resume is not None else submitting.send_again
        with progress() as report:
            sent = send(str(resume or again), places, confirm, max_qpu_seconds, report)
    elif exp is None:
        raise ConfigError("which experiment? `qrec list experiments` names them")
    else:
        if target is not None and not dry_run:
            raise ConfigError(f"--target {target} is for a price: give --dry-run beside it")
        backend = backend or ([PRICED] if target else None)
        experiment = load(exp, dict(map(parse_override, change or [])), backend, places)
        with progress() as report:
            if dry_run:
                planned = _planned(experiment, target, report)
                _show(planned, price, as_json)
                check_budget(planned, max_qpu_seconds)
                return
            sent = submitting.submit(experiment, confirm, max_qpu_seconds, report)
    if as_json:
        rows = [row for planned in sent.rounds for row in _as_json(planned, price)]
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


def _planned(experiment: "Experiment", target: str | None, report: "Report") -> "Round":
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from qrec.runner.price import price_round
    from qrec.runner.submit import dry_round

    with TemporaryDirectory() as folder:
        if target is not None:
            planned = price_round(experiment, target, Path(folder), report)
        else:
            planned = dry_round(experiment, Path(folder), report)
        planned.rows()  # while there is the folder
    return planned


def _show(planned: "Round", price: float | None, as_json: bool) -> None:
    if not planned.rows():
        show_note("nothing is left to send: what the run needs now is under way or has come")
    if as_json:
        show_json({"rows": _as_json(planned, price)})
    else:
        show_tables([cost_table(planned, price)])


def _as_json(planned: "Round", price: float | None) -> list[dict[str, Any]]:
    return [row.as_dict() | row.money(price) for row in planned.rows()]


def _confirm(price: float | None, as_json: bool, yes: bool) -> "Callable[[Round], None]":
    def confirm(planned: "Round") -> None:
        planned.rows()  # now, not after sending: the account is asked what it has left
        if not as_json:
            show_tables([cost_table(planned, price)])
        if planned.costs and not yes:
            _ask()

    return confirm


def cost_table(planned: "Round", price: float | None = None) -> "Table":
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
    for row in planned.rows() if price is not None else ():
        most = cell(row.money(price)["most_money"])
        notes.append(
            f"{row.backend}: at {price:g} a QPU second this round costs "
            f"{cell(row.money(price)['money'])}, the whole run at most {most}."
        )
    if planned.priced_on is not None:
        device = f"{planned.priced_on.name}, calibrated {planned.priced_on.date[:10]}"
        notes.append(f"Priced on {device}; no account was asked and nothing can be sent there.")
    for row in planned.rows():
        if row.account_seconds is not None:
            notes.append(f"{row.backend}: the account has {row.account_seconds:.1f} s left.")
    sent = "what is sent" if planned.priced_on is None else "what would be sent"
    title = f"{planned.experiment.spec.name}: {sent}"
    return build_table(title, columns, planned.rows(), notes)


def _ask() -> None:
    if not sys.stdin.isatty():
        raise ConfigError("this spends QPU time: give --yes to send without being asked")
    if not typer.confirm("This spends QPU time. Send?", err=True):
        raise ConfigError("nothing was sent")
