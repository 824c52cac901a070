"""Where the own code of runs lies that were begun on this machine.

It stands beside the runs and not in them, and holds for the very folder that was made here: a run
from elsewhere, or a whole folder of them, can say what it likes, and nothing of it is run.
"""

from pathlib import Path

from qrec.errors import ConfigError
from qrec.runs.files import read_json, write_json
from qrec.runs.folder import RunFolder, runs_dir


def remember_code(run: RunFolder, code: Path) -> None:
    """Note that the code of a run lies in the folder `code`; not for a run made for a look only."""
    if runs_dir().resolve() in run.path.resolve().parents:
        write_json(_path(run), {"code": str(code.resolve()), "inode": _inode(run)})


def code_folder(run: RunFolder) -> Path | None:
    """Return where the code of a run lies; None where it has none, or was not begun here."""
    path = _path(run)
    if not path.is_file():
        return None
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("code"), str):
        raise ConfigError(f"{path}: expected where the code of run {run.id} lies")
    return Path(content["code"]) if content.get("inode") == _inode(run) else None


def _inode(run: RunFolder) -> int:
    """Return what a renamed folder keeps and a copied one has not."""
    return run.path.stat().st_ino


def _path(run: RunFolder) -> Path:
    return runs_dir() / "code" / f"{run.id}.json"
