"""What a run says about itself besides its results: `record.json`."""

import platform
import subprocess
import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import qrec
from qrec.config import Spec
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
