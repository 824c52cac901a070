"""``qrec submit``: what happens on a real device? The cost first, then the jobs."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from qrec.cli._shared import (
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
from qrec.errors import ConfigError

if TYPE_CHECKING:
    from qrec.analysis.table import Table
    from qrec.experiments._cost import Plan


def submit(
    exp: Annotated[str, typer.Argument(help="A packaged experiment or a YAML file.")],
    backend: BackendNames = None,
    change: Changes = None,
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
) -> None:
    """Send an experiment's circuits as jobs that outlive this process.

    The same command again, after whatever stopped it, sends what is missing and nothing else.
    """
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from qrec.experiments import load_experiment
    from qrec.experiments._cost import check_budget
    from qrec.experiments._detached import detachable, dry_plan
    from qrec.experiments._detached import submit as send
    from qrec.experiments._load import parse_override
    from qrec.experiments._run import make_places
    from qrec.runs.progress import progress

    places = make_places(data_dir, backends)
    overrides = dict(map(parse_override, change or []))
    experiment = detachable(load_experiment(exp, overrides, backend, places))
    if dry_run:
        with TemporaryDirectory() as folder, progress() as report:
            plan = dry_plan(experiment, Path(folder), report)
        show_json({"rows": plan.rows()}) if as_json else show_tables([cost_table(plan)])
        check_budget(plan, max_qpu_seconds)
        return

    def confirm(plan: "Plan") -> None:
        if not as_json:
            show_tables([cost_table(plan)])
        costs = any(plan.experiment.backend(row["backend"]).costs for row in plan.rows())
        if costs and not yes:
            _ask()

    with progress() as report:
        plan = send(experiment, confirm, max_qpu_seconds, report)
    if as_json:
        show_json({"run": plan.folder.id, "rows": plan.rows()})
    show_note(f"run {plan.folder.id} is submitted; come back with: qrec fetch {plan.folder.id}")


def cost_table(plan: "Plan") -> "Table":
    """Return what a plan costs."""
    from qrec.analysis.table import Table

    rows = [[cell(value) for value in row.values()] for row in plan.rows()]
    columns = [name.replace("_", " ") for name in plan.rows()[0]]
    return Table(f"{plan.experiment.spec.name}: what is sent", columns, rows)


def _ask() -> None:
    if not sys.stdin.isatty():
        raise ConfigError("this spends QPU time: give --yes to send without being asked")
    if not typer.confirm("This spends QPU time. Send?", err=True):
        raise ConfigError("nothing was sent")
