"""A run is a folder of plain files: making it, finding it, and what is stored in it."""

import errno
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from qrec.backends.device.snapshots import Snapshot, read_snapshot
from qrec.config import ExperimentSpec, read_yaml
from qrec.errors import ConfigError, QrecError
from qrec.registry import check_name
from qrec.runs.files import (
    TEMPORARY,
    check_plain,
    leftovers,
    remove,
    rename,
    write_folder,
    write_json,
    write_text,
)
from qrec.runs.record import RunRecord, make_record, read_record


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
        return self.rows_path.is_file()

    @property
    def rows_path(self) -> Path:
        """The rows of the run, written last: where they stand, it is finished."""
        return self.path / "rows.csv"

    def check_plain(self) -> None:
        """Raise ConfigError where something in the folder leads out of it, or is no plain file."""
        check_plain(self.path)

    def spec(self) -> dict[str, Any]:
        """Return the resolved experiment as it was run.

        Raises ConfigError where it is none, and where it names a file: it was written whole.
        """
        path = self.path / "spec.yaml"
        content = read_yaml(path)
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: expected a mapping with the keys of an experiment")
        members = content.get("experiments")
        for place, member in enumerate(members if isinstance(members, list) else []):
            if isinstance(member, dict) and "experiment" in member:
                raise ConfigError(
                    f"{path}: experiments.{place}.experiment: found {member['experiment']!r}; a "
                    "run holds the whole experiment and reads no other file"
                )
        return content

    def record(self) -> RunRecord:
        """Return what the run says about itself."""
        return read_record(self.path / "record.json")

    def snapshots(self) -> dict[str, Snapshot]:
        """Return the devices that the run's backends compute with, by the backends' names.

        Raises ConfigError where one is not what the record says.
        """
        found = {}
        for name, entry in self.record().backends.items():
            if entry.snapshot is not None:
                path, expected = self.path / entry.snapshot.file, entry.snapshot.sha256
                found[name] = read_snapshot(path)
                if found[name].sha256 != expected:
                    raise ConfigError(
                        f"{path}: sha256 is {found[name].sha256}, but record.json says {expected}"
                    )
        return found

    def payload_path(self, uid: str) -> Path:
        """Return where the result of a job is stored, as it came."""
        return self.path / "raw" / "jobs" / uid

    def has_payload(self, uid: str) -> bool:
        """Return whether the result of a job is stored."""
        return self.payload_path(uid).is_file()

    def sweep(self) -> None:
        """Remove what a killed process left half written."""
        for leftover in self.path.rglob(f"{TEMPORARY}*"):
            remove(leftover)


def runs_dir() -> Path:
    """Return the folder of all runs: ``$QREC_RUNS_DIR``, or ``runs`` where one stands."""
    return Path(os.environ.get("QREC_RUNS_DIR", "runs"))


def check_writable() -> None:
    """Raise QrecError where no run can be written."""
    place = runs_dir()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise QrecError(
            f"{runs_dir()}: runs cannot be written there; set QREC_RUNS_DIR to a folder that can"
        )


def studies_dir() -> Path:
    """Return the folder of all studies of `qrec tune`."""
    return runs_dir() / "studies"


def create_run(
    spec: ExperimentSpec,
    details: dict[str, Any],
    parent: Path | None = None,
    snapshots: Iterable[Snapshot] = (),
    code: Mapping[str, Path] = MappingProxyType({}),
) -> RunFolder:
    """Make the folder of a new run, ``<UTC time>_<name>_<hash of the spec>``.

    The folder appears complete with its spec, its record, the snapshots that the record names
    and copies of the user's own `code`, by module, or not at all. It stands in `parent`, or with
    all other runs.
    """
    content = _file_form(spec)
    clear_leftovers()
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
        for module, file in code.items():
            write_text(folder / "code" / f"{module}.py", file.read_text())

    try:
        write_folder(path, fill)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not path.is_dir():
            raise
        return create_run(spec, details, parent, snapshots, code)  # another came first
    return RunFolder(path)


def clear_leftovers() -> None:
    """Remove what processes that were killed while they began a run left among the runs."""
    for folder in (runs_dir(), runs_dir() / "begun"):
        for leftover in leftovers(folder):
            remove(leftover)


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
    return _ids(runs_dir())


def _ids(parent: Path) -> list[str]:
    return sorted(path.parent.name for path in parent.glob("[0-9]*/spec.yaml"))


def find_run(run: str | Path) -> RunFolder:
    """Return the run at this path, of this id or unique part of one, or the newest: ``latest``.

    Raises ConfigError when there is none, or more than one.
    """
    return _find(run, runs_dir(), "run")


def find_study(study: str | Path) -> RunFolder:
    """Return the study of `qrec tune` at this path or of this id, as `find_run` does."""
    return _find(study, studies_dir(), "study")


def _find(run: str | Path, parent: Path, noun: str) -> RunFolder:
    if (Path(run) / "spec.yaml").is_file():
        return RunFolder(Path(run).resolve())
    known = _ids(parent)
    if not known:
        raise ConfigError(f"{noun} {str(run)!r}: there is no {noun} in {parent}")
    if run == "latest":
        return RunFolder(parent / known[-1])
    found = [run_id for run_id in known if str(run) in run_id]
    if len(found) > 1 and str(run) not in found:
        raise ConfigError(f"{noun} {str(run)!r} is part of {len(found)} ids: {', '.join(found)}")
    if not found:
        check_name(str(run), known, f"{noun} (in {parent})")
    return RunFolder(parent / (str(run) if str(run) in found else found[0]))
