"""A run is a folder of plain files: making it, finding it, and what is stored in it."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from qrec.backends.device.snapshots import Snapshot, read_snapshot
from qrec.config import ExperimentSpec, parse_fields, read_yaml
from qrec.errors import ConfigError, QrecError
from qrec.registry import check_name
from qrec.runs.files import TEMPORARY, rename, write_arrays, write_folder, write_json, write_text
from qrec.runs.record import RunRecord, make_record


@dataclass(frozen=True, eq=False)
class Sample:
    """The predictions of one finished task, `(n,)` each, and what was noted beside them."""

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    truth: NDArray[np.float64]
    prediction: NDArray[np.float64]  # nan where the recommender could not score
    notes: dict[str, Any]


class RunFolder:
    """One run on disk. Every file in it is whole: it is written elsewhere and renamed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"<RunFolder {self.id}>"

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def finished(self) -> bool:
        return self.results_path.is_file()

    @property
    def results_path(self) -> Path:
        """The table of results, written last: where it stands, the run is finished."""
        return self.path / "results.csv"

    def spec(self) -> dict[str, Any]:
        """Return the resolved experiment as it was run."""
        content = read_yaml(self.path / "spec.yaml")
        assert isinstance(content, dict)
        return content

    def record(self) -> RunRecord:
        """Return what the run says about itself."""
        path = self.path / "record.json"
        return parse_fields(RunRecord, json.loads(path.read_text()), str(path))

    def snapshots(self) -> dict[str, Snapshot]:
        """Return the devices that the run's backends compute with, by the backends' names.

        Raises ConfigError where one is not what the record says.
        """
        found = {}
        for name, entry in self.record().details["backends"].items():
            if "snapshot" in entry:
                path, expected = self.path / entry["snapshot"]["file"], entry["snapshot"]["sha256"]
                found[name] = read_snapshot(path)
                if found[name].sha256 != expected:
                    raise ConfigError(
                        f"{path}: sha256 is {found[name].sha256}, but record.json says {expected}"
                    )
        return found

    def write_sample(self, task: str, sample: Sample) -> None:
        """Store the predictions of `task`; from then on it counts as finished."""
        arrays: dict[str, NDArray[Any]] = {
            "user": sample.user,
            "item": sample.item,
            "truth": sample.truth,
            "prediction": sample.prediction,
            "notes": np.array(json.dumps(sample.notes, allow_nan=False)),
        }
        write_arrays(self._sample_path(task), arrays)

    def has_sample(self, task: str) -> bool:
        return self._sample_path(task).is_file()

    def sample(self, task: str) -> Sample:
        """Return the predictions of a finished task."""
        with np.load(self._sample_path(task)) as stored:
            arrays = dict(stored)
        notes = json.loads(str(arrays.pop("notes")))
        return Sample(**arrays, notes=notes)

    def samples(self) -> list[Sample]:
        """Return the predictions of all finished tasks."""
        paths = sorted((self.path / "samples").glob("[!.]*.npz"))
        return [self.sample(path.stem) for path in paths]

    def payload_path(self, uid: str) -> Path:
        """Return where the result of a job is stored, as it came."""
        return self.path / "raw" / "jobs" / uid

    def has_payload(self, uid: str) -> bool:
        """Return whether the result of a job is stored."""
        return self.payload_path(uid).is_file()

    def forget_results(self) -> None:
        """Remove what was made from raw results; the raw results stay."""
        self.results_path.unlink(missing_ok=True)
        for path in (self.path / "samples").glob("*.npz"):
            path.unlink()

    def model_path(self, name: str) -> Path:
        """Return where the fitted model `name` is, or is to be, saved."""
        return self.path / "models" / name

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from working on this run; the lock dies with the process.

        What a killed process left half written is removed. Raises QrecError when another
        process is at work.
        """
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise QrecError(f"run {self.id}: another process is working on it") from None
            for leftover in self.path.rglob(f"{TEMPORARY}*"):
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            yield

    def _sample_path(self, task: str) -> Path:
        return self.path / "samples" / f"{task}.npz"


def runs_dir() -> Path:
    """Return the folder of all runs: ``$QREC_RUNS_DIR``, or ``runs`` where one stands."""
    return Path(os.environ.get("QREC_RUNS_DIR", "runs"))


def create_run(
    spec: ExperimentSpec,
    details: dict[str, Any],
    parent: Path | None = None,
    snapshots: Iterable[Snapshot] = (),
) -> RunFolder:
    """Make the folder of a new run, ``<UTC time>_<name>_<hash of the spec>``.

    The folder appears complete with its spec, its record and the snapshots that the record
    names, or not at all. It stands in `parent`, or with all other runs.
    """
    content = _file_form(spec)
    while True:
        created = datetime.now(UTC)
        name = f"{created:%Y%m%dT%H%M%SZ}_{run_suffix(spec)}"
        path = (parent or runs_dir()) / name
        if not path.exists() and not (runs_dir() / name).exists():
            break
        time.sleep(0.1)  # the same experiment was begun within this second
    record = make_record(path.name, spec.kind, created, details)

    def fill(folder: Path) -> None:
        write_text(folder / "spec.yaml", content)
        write_json(folder / "record.json", record.model_dump(mode="json"))
        for snapshot in set(snapshots):
            write_text(folder / snapshot.file, snapshot.text())

    write_folder(path, fill)
    return RunFolder(path)


@contextmanager
def planning_place() -> Iterator[Path]:
    """Give a folder where a run can be made apart from all others, until it is published.

    Whatever is still in it at the end, or was left by a killed process, is removed; only one
    process may be here at a time.
    """
    place = runs_dir() / f"{TEMPORARY}submission"
    if place.exists():
        shutil.rmtree(place)
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def publish(folder: RunFolder) -> RunFolder:
    """Put a run that was made apart among all others, in one step."""
    path = runs_dir() / folder.id
    rename(folder.path, path)
    return RunFolder(path)


def run_suffix(spec: ExperimentSpec) -> str:
    """Return what the ids of all runs of `spec` end with: its name and its hash."""
    return f"{spec.name}_{blake2b(_file_form(spec).encode(), digest_size=4).hexdigest()}"


def _file_form(spec: ExperimentSpec) -> str:
    return yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False, width=100)


def run_ids() -> list[str]:
    """Return the ids of all runs, oldest first."""
    return sorted(path.parent.name for path in runs_dir().glob("[0-9]*/spec.yaml"))


def find_run(run: str | Path) -> RunFolder:
    """Return the run with this id, at this path, or the newest one for ``latest``.

    Raises ConfigError when there is none.
    """
    if (Path(run) / "spec.yaml").is_file():
        return RunFolder(Path(run).resolve())
    known = run_ids()
    if not known:
        raise ConfigError(f"run {str(run)!r}: there is no run in {runs_dir()}")
    if run == "latest":
        return RunFolder(runs_dir() / known[-1])
    check_name(str(run), known, f"run (in {runs_dir()})")
    return RunFolder(runs_dir() / str(run))
