"""Where the own code of runs lies that were begun on this machine.

It stands beside the runs and not in them: a run folder from elsewhere can say what it likes, and
nothing of it is run.
"""

from pathlib import Path

from qrec.runs.files import write_text
from qrec.runs.folder import runs_dir


def remember_code(run: str, folder: Path) -> None:
    """Note that the code of a run lies in `folder`."""
    write_text(_path(run), f"{folder.resolve()}\n")


def code_folder(run: str) -> Path | None:
    """Return where the code of a run lies; None where it has none, or was not begun here."""
    path = _path(run)
    return Path(path.read_text().strip()) if path.is_file() else None


def _path(run: str) -> Path:
    return runs_dir() / "code" / f"{run}.txt"
