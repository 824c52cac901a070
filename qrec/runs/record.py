"""What a run says about itself besides its results: `record.json`."""

import platform
import subprocess
import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

import qrec
from qrec.config import Spec, parse_fields
from qrec.errors import ConfigError
from qrec.runs.files import read_json
from qrec.threads import thread_state

_PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "qiskit",
    "qiskit-aer",
    "qiskit-ibm-runtime",
    "qiskit-machine-learning",
)


class GitState(Spec):
    """The commit qrec itself was run from, and whether files differed from it."""

    commit: str
    modified: bool


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RecordedDevice(Spec):
    """The snapshot that a backend computes with, and where the run folder holds it."""

    name: str
    date: str
    sha256: Sha256
    file: Annotated[str, Field(pattern=r"^snapshots/[0-9a-f]+\.json$")]


class RecordedBackend(Spec):
    """A backend as the run began with it: its settings, versions, and device."""

    model_config = ConfigDict(extra="allow")

    spec: dict[str, Any]
    snapshot: RecordedDevice | None = None
    packages: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for key in ("name", "kind"):
            if not isinstance(self.spec.get(key), str):
                raise ValueError(f"spec.{key}: expected a name; found {self.spec.get(key)!r}")
        # One that the folder does not hold would be looked up, on disk or at a service.
        if self.spec.get("snapshot") is not None and self.snapshot is None:
            raise ValueError("its spec names a snapshot, but the record has none")
        return self


class RecordedData(Spec):
    """The ratings of a run."""

    name: str
    n_ratings: Annotated[int, Field(ge=0)]
    n_users: Annotated[int, Field(ge=0)]
    n_items: Annotated[int, Field(ge=0)]
    scale: Annotated[list[float], Field(min_length=2, max_length=2)]
    sha256: Sha256
    licence: str
    noise_floor: float | None


class RecordedDetails(Spec):
    """What is in the details of several kinds; each kind adds its own."""

    model_config = ConfigDict(extra="allow")

    backends: dict[str, RecordedBackend] = Field(default_factory=dict)
    question: str = ""  # what the experiment's file says of it before its first key
    n_steps: Annotated[int, Field(ge=0)] | None = None
    dataset: RecordedData | None = None
    experiments: dict[str, "RecordedDetails"] = Field(default_factory=dict)  # of a suite


class RunRecord(Spec):
    """The file form of `record.json`."""

    schema_version: Literal[2] = 2
    id: str
    kind: str
    created: datetime  # UTC
    qrec: str  # version
    python: str
    platform: str
    packages: dict[str, str]
    git: GitState | None  # None where qrec does not run from a git checkout
    threads: dict[str, int | str | None]  # as the process that began the run had them
    details: dict[str, Any]  # the kind's own: data set, seeds, backend snapshots

    @property
    def backends(self) -> dict[str, RecordedBackend]:
        """The backends of the run, by the names that it has for them."""
        return RecordedDetails.model_validate(self.details).backends


def read_record(path: Path) -> RunRecord:
    """Read a record. Raises ConfigError where it is none that this qrec can read."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a mapping with what a run says about itself")
    known = RunRecord.model_fields["schema_version"].default
    version = content.get("schema_version")
    if version != known:
        raise ConfigError(f"{path}: schema_version: found {version!r}; this qrec reads {known}")
    record = parse_fields(RunRecord, content, str(path))
    parse_fields(RecordedDetails, record.details, f"{path}: details")
    return record


def make_record(run_id: str, kind: str, created: datetime, details: dict[str, Any]) -> RunRecord:
    """Describe a run that begins now, with the versions of everything it computes with."""
    return RunRecord(
        id=run_id,
        kind=kind,
        created=created,
        qrec=qrec.__version__,
        python=sys.version.split()[0],
        platform=platform.platform(),
        packages=package_versions(),
        git=git_state(Path(qrec.__file__).parent),
        threads=thread_state(),
        details=details,
    )


def package_versions() -> dict[str, str]:
    """Return the version of each package that results may depend on."""
    return {name: version(name) for name in _PACKAGES}


def git_state(folder: Path) -> GitState | None:
    """Return the state of the checkout that tracks the package in `folder`, or None."""
    try:
        # An installed copy may lie inside somebody else's repository, untracked by it.
        _git(folder, "ls-files", "--error-unmatch", "__init__.py")
        commit = _git(folder, "rev-parse", "HEAD")
        modified = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return GitState(commit=commit, modified=bool(modified))


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
