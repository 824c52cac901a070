"""Running an experiment into a folder, and taking a stopped run up again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qrec.analysis.html import write_report
from qrec.analysis.table import to_text
from qrec.backends.device.snapshots import forget_live
from qrec.errors import NotFinishedError
from qrec.experiments._base import BaseExperiment, Places, Results
from qrec.experiments._load import Source, load_experiment, restore_experiment
from qrec.runs.folder import RunFolder, create_run, find_run
from qrec.runs.progress import Report, progress


@dataclass(frozen=True)
class Run:
    """A finished run: where it is and what it found."""

    folder: RunFolder
    results: Results

    @property
    def id(self) -> str:
        return self.folder.id

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One mapping per recommender, backend and repeat."""
        return self.results.rows

    def as_json(self) -> dict[str, Any]:
        """Return id and rows, those of another form under a name of their own."""
        return {"run": self.id, "rows": self.rows} | self.results.others

    def table(self) -> str:
        """Return the tables as text."""
        return "\n".join(to_text(table) for table in self.results.tables)

    def __repr__(self) -> str:
        return f"run {self.id} in {self.folder.path}\n{self.table()}"


def run(
    experiment: Source,
    *,
    backends: Sequence[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    data_dir: Path | str | None = None,
    backends_file: Path | str | None = None,
) -> Run:
    """Run an experiment and return what it found.

    `experiment` is the name of a packaged experiment, a YAML file, or a mapping of the same
    form; `overrides` change it by dotted keys, ``{"dataset": "ml-100k"}``; `backends` replace
    those of its quantum recommenders. The results also stand in a new folder under ``runs``
    or ``$QREC_RUNS_DIR``. Raises ConfigError for what the experiment cannot mean.
    """
    places = make_places(data_dir, backends_file)
    with progress() as report:
        loaded = load_experiment(experiment, overrides, backends, places)
        return finish(begin(loaded), loaded, report)


def resume(
    run: str | Path,
    *,
    data_dir: Path | str | None = None,
    backends_file: Path | str | None = None,
) -> Run:
    """Finish a run that was stopped; what it had finished stays as it is."""
    folder = find_run(run)
    loaded = restore_experiment(folder.spec(), make_places(data_dir, backends_file))
    with progress() as report:
        return finish(folder, loaded, report)


def begin(experiment: BaseExperiment, parent: Path | None = None) -> RunFolder:
    """Make the folder of a new run of `experiment`, in `parent` or with all other runs.

    The devices that it computes with are pinned in it.
    """
    forget_live()
    backends = experiment.backends()
    snapshots = {name: backend.snapshot() for name, backend in backends.items()}
    details = experiment.details() | {"backends": snapshots}
    pinned = [backend.pinned for backend in backends.values() if backend.pinned is not None]
    return create_run(experiment.spec, details, parent, pinned)


def finish(folder: RunFolder, experiment: BaseExperiment, report: Report) -> Run:
    """Do what is left to do and write the report."""
    with folder.locked():
        if not folder.finished:
            experiment.execute(folder, report)
        return reported(folder, experiment)


def stored(run: str | Path) -> Run:
    """Return a finished run as it is on disk, its report made again.

    Raises NotFinishedError when it has not ended.
    """
    folder = find_run(run)
    if not folder.finished:
        raise NotFinishedError(
            f"run {folder.id} is not finished; finish it with: qrec run --resume {folder.id}"
        )
    return reported(folder, restore_experiment(folder.spec()))


def reported(folder: RunFolder, experiment: BaseExperiment) -> Run:
    """Read the results of a finished run and write `report.html` from them."""
    results = experiment.results(folder)
    record = folder.record()
    write_report(folder.path, folder.spec(), record, results.tables, results.figures)
    return Run(folder, results)


def make_places(data_dir: Path | str | None, backends_file: Path | str | None) -> Places:
    """Return the places a user named."""
    return Places(
        None if data_dir is None else Path(data_dir),
        None if backends_file is None else Path(backends_file),
    )
