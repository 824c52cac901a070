"""Running an experiment into a folder, and taking a stopped run up again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit

from qrec.analysis.figures import Figure
from qrec.analysis.html import Found, write_report
from qrec.analysis.parquet import write_parquet
from qrec.analysis.rows import write_csv
from qrec.analysis.run_circuits import run_circuits
from qrec.analysis.table import Table, to_text
from qrec.backends.device.snapshots import forget_live
from qrec.errors import ConfigError, NotFinishedError, PaidError, QrecError
from qrec.experiments.base import Experiment, Places
from qrec.registry import code_files
from qrec.runner.asking import Here, Stored
from qrec.runner.drive import Work, drive
from qrec.runner.executors import run_parallel
from qrec.runner.load import Source, load, opened, restore
from qrec.runner.missing import MissingRow, missing_said, missing_table
from qrec.runs.circuits import Circuits
from qrec.runs.claims import Claims
from qrec.runs.files import understood, write_bytes
from qrec.runs.folder import RunFolder, check_writable, create_run, find_run
from qrec.runs.locks import last_worker, one_worker
from qrec.runs.outcomes import Outcomes
from qrec.runs.progress import Report, progress
from qrec.runs.trust import remember
from qrec.threads import one_thread
from qrec.types import Row, of_type

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run: where it is and what it found.

    Among its rows is one for each step that could not be done, which says why.
    """

    folder: RunFolder
    typed_rows: list[Row]
    answer: list[str]
    tables: list[Table]
    figures: dict[str, Figure]

    @property
    def id(self) -> str:
        """The id of the run, the name of its folder."""
        return self.folder.id

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What was found, one mapping per row."""
        return [row.as_dict() for row in self.typed_rows]

    def to_pandas(self) -> "pd.DataFrame":
        """Return what was found, one row of the run a row; a list or mapping stays one entry.

        A run with rows of several types has the columns of all; where a row has none, None.
        """
        import pandas as pd

        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        return pd.DataFrame(self.rows, columns=columns)

    def as_json(self) -> dict[str, Any]:
        """Return id and rows."""
        return {"run": self.id, "rows": self.rows}

    def table(self) -> str:
        """Return the tables as text."""
        return "\n".join(to_text(table) for table in self.tables)

    def check_whole(self) -> None:
        """Raise QrecError where steps could not be done."""
        _check_whole(self.folder, of_type(MissingRow, self.typed_rows))

    def __repr__(self) -> str:
        return f"run {self.id} in {self.folder.path}\n{self.table()}"


def run(
    experiment: Source,
    *,
    backends: Sequence[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    data_dir: Path | str | None = None,
    backends_file: Path | str | None = None,
    jobs: int = 1,
) -> Run:
    """Run an experiment and return what it found.

    `experiment` is the name of a packaged experiment, a YAML file, or a mapping of the same
    form; `overrides` change it by dotted keys, ``{"dataset": "ml-100k"}``; `backends` replace
    those of its circuits. With `jobs` steps that do not need each other run in so many
    processes, with the same numbers. The results also stand in a new folder under ``runs`` or
    ``$QREC_RUNS_DIR``. Raises ConfigError for what the experiment cannot mean, and for a
    backend that costs money: `qrec submit` asks first.
    """
    places = make_places(data_dir, backends_file)
    with progress() as report:
        loaded = load(experiment, overrides, backends, places)
        refuse_paid(loaded)
        return finish(begin(loaded), loaded, report, jobs)


def resume(
    run: str | Path,
    *,
    data_dir: Path | str | None = None,
    backends_file: Path | str | None = None,
    jobs: int = 1,
) -> Run:
    """Finish a run that was stopped; what it had finished stays as it is.

    What could not be done is tried again. Other processes may work on the run at the same time.
    """
    folder = find_run(run)
    restored = restore(folder, make_places(data_dir, backends_file))
    with progress() as report:
        return finish(folder, restored, report, jobs)


def begin(
    experiment: Experiment,
    parent: Path | None = None,
    notes: Mapping[str, Any] = MappingProxyType({}),
) -> RunFolder:
    """Make the folder of a new run of `experiment`, in `parent` or with all other runs.

    The devices that it computes with are pinned in it, own code is copied, and the record holds
    `notes` beside the kind's own details.
    """
    details = prepare(experiment) | dict(notes)
    backends = experiment.backends().values()
    pinned = [backend.pinned for backend in backends if backend.pinned is not None]
    code = code_files()
    folder = create_run(experiment.spec, details, parent, pinned, code)
    recorded = details["backends"].values()
    vendor = any(entry["spec"].get("kind") == "provider" for entry in recorded)
    if code or vendor:
        remember(folder, experiment.places.code if code else None)
    return folder


def prepare(experiment: Experiment) -> dict[str, Any]:
    """Do all that can refuse a run before it begins; return what its record is to hold.

    Its devices are pinned. Raises what the experiment raises, and QrecError where no run can be
    written.
    """
    check_writable()
    forget_live()
    with opened(experiment.places), one_thread():
        snapshots = {name: backend.snapshot() for name, backend in experiment.backends().items()}
        details = experiment.details() | {"backends": snapshots}
        if experiment.question:
            details["question"] = experiment.question
        # A step that cannot be made must not leave a run behind.
        details["n_steps"] = len(experiment.steps())
    return details


def finish(folder: RunFolder, experiment: Experiment, report: Report, jobs: int = 1) -> Run:
    """Do what is left to do, and what could not be done before; write rows, figures and report.

    Steps that other processes work on are waited for.
    """
    with one_worker(folder) as alone:
        if alone:
            _forget_missing(folder)
        _do_steps(folder, experiment, report, jobs)
    with last_worker(folder):
        return conclude(folder, experiment)


def take_part(
    folder: RunFolder, experiment: Experiment, report: Report, jobs: int = 1
) -> Run | None:
    """Take part in the work on a run until all is done; return it where this one came last.

    The last writes rows, figures and report. What could not be done is not tried again. Raises
    QrecError where there is such.
    """
    with one_worker(folder):
        _do_steps(folder, experiment, report, jobs)
    with last_worker(folder):
        if not folder.finished:
            return conclude(folder, experiment)
    _check_whole(folder, _missing_rows(Work(experiment, folder, Stored())))
    return None


def conclude(folder: RunFolder, experiment: Experiment) -> Run:
    """Write rows, figures and report of a run whose steps have ended, and return it."""
    done = found(folder, experiment)
    Claims(folder.path).clear()
    return done


def _do_steps(folder: RunFolder, experiment: Experiment, report: Report, jobs: int) -> None:
    if folder.finished:
        return
    experiment.check_same(folder.record().details)
    work = Work(experiment, folder, Here())
    if jobs > 1:
        run_parallel(work, jobs, report)
    else:
        drive(work, report)


def _forget_missing(folder: RunFolder) -> None:
    """Have what could not be done be tried again."""
    Claims(folder.path).forget()
    outcomes = Outcomes(folder.path, ())
    if outcomes.failed():
        folder.rows_path.unlink(missing_ok=True)
        outcomes.forget_failed()


def open_run(
    run: str | Path = "latest",
    *,
    data_dir: Path | str | None = None,
    backends_file: Path | str | None = None,
) -> Run:
    """Return a finished run: by its id, a unique part of that, its folder, or the newest.

    Raises ConfigError where there is none, NotFinishedError when it has not ended.
    """
    return stored(run, make_places(data_dir, backends_file))


def stored(run: str | Path, places: Places | None = None) -> Run:
    """Return a finished run as it is on disk, its report made again.

    Raises NotFinishedError when it has not ended.
    """
    folder = find_run(run)
    require_finished(folder)
    return found(folder, restore(folder, places))


def found(folder: RunFolder, experiment: Experiment) -> Run:
    """Read what the steps of a run found; write figures, report and last the rows.

    Raises NotFinishedError where steps are left to do, QrecError where nothing can be shown
    without those that could not be done.
    """
    work = Work(experiment, folder, Stored())
    if not folder.finished and (left := work.left()):
        raise NotFinishedError(
            f"run {folder.id}: {len(left)} of {len(work.steps)} steps are not done; go on with: "
            f"qrec run --resume {folder.id}"
        )
    missing = _missing_rows(work)
    if missing and not experiment.partial:
        _check_whole(folder, missing)
    outcomes = work.every_outcome()
    with understood(folder.path / "outcomes", f"the outcomes of {experiment.spec.kind}"):
        rows = experiment.rows(outcomes)
        if not rows:
            _check_whole(folder, missing)
        tables, figures = experiment.tables(rows), experiment.figures(rows, outcomes)
        answer = experiment.answer(rows, outcomes)
    if missing:
        rows, tables = [*rows, *missing], [*tables, missing_table(missing)]
        answer = [missing_said(missing), *answer]
    costs = [row for step in work.steps for row in Circuits(folder.path, step.name).rows()]
    circuits = run_circuits(costs, partial(_read_circuit, folder)) if costs else None
    if costs:
        write_csv(folder.path / "gates.csv", costs)
    for name, figure in {**figures, **(circuits.figures if circuits else {})}.items():
        write_bytes(folder.path / "figures" / f"{name}.png", figure.png)
        write_bytes(folder.path / "figures" / f"{name}.svg", figure.svg)
    on_page = Found(answer, tables, figures, circuits)
    write_report(folder.path, folder.spec(), folder.record(), on_page)
    plain = [row.as_dict() for row in rows]
    write_parquet(folder.rows_path.with_suffix(".parquet"), plain)
    write_csv(folder.rows_path, plain)
    return Run(folder, rows, answer, tables, figures)


def _missing_rows(work: Work) -> list[MissingRow]:
    return [MissingRow(step=step, problem=problem) for step, problem in work.missing().items()]


def _check_whole(folder: RunFolder, missing: Sequence[MissingRow]) -> None:
    if missing:
        raise QrecError(
            f"run {folder.id}: {missing_said(missing)} Try again with: qrec run --resume "
            f"{folder.id}"
        )


def _read_circuit(
    folder: RunFolder, step: str, backend: str, form: str
) -> tuple[QuantumCircuit, QuantumCircuit]:
    return Circuits(folder.path, step).read(backend, form)


def refuse_paid(experiment: Experiment) -> None:
    """Raise PaidError where an experiment names a backend that costs money."""
    for backend in experiment.backends().values():
        if backend.costs:
            raise PaidError(
                f"backend {backend.name!r} is no free simulator: `qrec submit` shows what would be "
                "sent, and asks first"
            )


def require_finished(folder: RunFolder) -> None:
    """Raise NotFinishedError when a run has not ended."""
    if not folder.finished:
        raise NotFinishedError(
            f"run {folder.id} is not finished; finish it with: qrec run --resume {folder.id}"
        )


def make_places(
    data_dir: Path | str | None, backends_file: Path | str | None, allow_code: bool = False
) -> Places:
    """Return the places a user named."""
    return Places(
        None if data_dir is None else Path(data_dir),
        None if backends_file is None else Path(backends_file),
        allow_code=allow_code,
    )


def check_jobs(jobs: int) -> None:
    """Raise ConfigError for a number of processes that cannot be."""
    if jobs < 1:
        raise ConfigError(f"--jobs: found {jobs}, expected at least 1")
