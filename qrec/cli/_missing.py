"""Which package an import failed for, where it is one that qrec depends on."""

import linecache
import re
import traceback
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import qrec

_IMPORT = re.compile(r"^\s*(?:from|import)\s+(\w+)")
_NAMES = {"sklearn": "scikit-learn", "yaml": "pyyaml"}  # where the module has another name


def missing_package(error: ImportError) -> str | None:
    """Return the package that could not be imported, None where the fault is not its own.

    That is what the last line of qrec's on the way to the error imports: what a broken package
    says of itself may name any of its libraries.
    """
    ours = str(Path(qrec.__file__).parent)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(ours)]
    for frame in reversed(frames):
        found = _IMPORT.match(linecache.getline(frame.filename, frame.lineno or 0))
        if found and found[1] != "qrec":
            return _distribution(found[1])
    return _distribution(error.name.partition(".")[0]) if error.name else None


def _distribution(module: str) -> str | None:
    """Return the dependency of qrec that has a module, None where there is none."""
    try:
        wanted = {re.split(r"[^\w.-]", line)[0].lower() for line in requires("qrec") or ()}
    except PackageNotFoundError:  # run from its sources
        wanted = set(packages_distributions())
    name = _NAMES.get(module, module.replace("_", "-"))
    return name if name.lower() in wanted else None
