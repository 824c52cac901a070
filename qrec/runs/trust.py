"""Which runs were begun on this machine, and where their own code lies.

It stands beside the runs and not in them, and holds for the very folder that was made here: a run
from elsewhere, or a whole folder of them, can say what it likes, and nothing of it is run.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

from qrec.errors import ConfigError
from qrec.runs.files import read_json, write_json
from qrec.runs.folder import RunFolder, runs_dir


def remember(run: RunFolder, code: Path | None) -> None:
    """Note that a run was begun here that imports something, its own code from the folder `code`.

    Not for a run made for a look only, which does not stand among the others.
    """
    if runs_dir().resolve() in run.path.resolve().parents:
        folder = None if code is None else str(code.resolve())
        note = {"code": folder, "inode": _inode(run), "record": _record_hash(run)}
        write_json(_path(run), note)


def code_folder(run: RunFolder) -> Path | None:
    """Return where the code of a run lies; None where it has none, or was not begun here."""
    code = _note(run).get("code")
    return Path(code) if isinstance(code, str) else None


def is_own(run: RunFolder) -> bool:
    """Return whether a run was begun here and its record is what was written then."""
    said = _note(run).get("record")
    return said is not None and said == _record_hash(run)


def _note(run: RunFolder) -> dict[str, Any]:
    """Return what was noted of a run, nothing where this is not the folder it was noted of."""
    path = _path(run)
    if not path.is_file():
        return {}
    content = read_json(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected where the code of run {run.id} lies")
    return content if content.get("inode") == _inode(run) else {}


def _inode(run: RunFolder) -> int:
    """Return what a renamed folder keeps and a copied one has not."""
    return run.path.stat().st_ino


def _record_hash(run: RunFolder) -> str:
    return sha256((run.path / "record.json").read_bytes()).hexdigest()


def _path(run: RunFolder) -> Path:
    return runs_dir() / "begun" / f"{run.id}.json"
