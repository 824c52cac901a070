"""A run as one zip file, with what cites and repeats it, and such a file opened with care."""

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from qrec.errors import ConfigError
from qrec.runs.files import TEMPORARY, check_plain, one_line, write, write_folder
from qrec.runs.folder import RunFolder, find_run, runs_dir
from qrec.runs.record import RunRecord

_LOCKS = ("lock", "fetch.lock")
_MOST_FILES = 100_000
_MOST_BYTES = 8 * 2**30  # unpacked; a run of 20 million ratings has fewer


def export_run(run: str, path: Path | None = None) -> Path:
    """Write a run as a zip file, ``ID.zip`` here unless `path` names another; return its path.

    Beside the run's own files it holds `citation.bib`, and `repeat.sh` with the backends that it
    runs on. Raises ConfigError where the file is there already.
    """
    folder = find_run(run)
    folder.check_plain()
    path = path or Path(f"{folder.id}.zip")
    if path.exists():
        raise ConfigError(f"{path}: is there already; name another file with -o")
    record = folder.record()
    added = {
        "citation.bib": _bibtex(folder.spec(), record),
        "repeat.sh": _script(folder, record),
        "repeat.backends.yaml": _backends(record),
    }

    def pack(file: object) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
            for one in sorted(folder.path.rglob("*")):
                name = one.relative_to(folder.path)
                if one.is_file() and str(name) not in (*_LOCKS, *added) and not _passing(name):
                    archive.write(one, f"{folder.id}/{name}")
            for file_name, text in added.items():
                archive.writestr(f"{folder.id}/{file_name}", text)

    write(path, pack)
    return path


def import_run(path: Path) -> RunFolder:
    """Unpack a zip file that `export_run` wrote among the runs; return the run.

    Nothing of it is run, now or later: its own code needs ``--allow-code``, as that of any run
    from elsewhere. Raises ConfigError for a file that holds anything but one run: names that lead
    out of its folder, links, more than a run can hold; and where the run is here already.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            run_id = _checked(archive, path)
            target = runs_dir() / run_id
            if target.exists():
                raise ConfigError(f"{path}: run {run_id} is here already, in {target}")
            write_folder(target, lambda folder: _unpack(archive, path, folder, run_id))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise ConfigError(f"{path}: cannot be read as a zip file: {one_line(error)}") from None
    return RunFolder(target)


def _passing(name: Path) -> bool:
    """Return whether a file is half written, or says which process is at work."""
    return name.parts[0] == "claims" or any(part.startswith(TEMPORARY) for part in name.parts)


def _checked(archive: zipfile.ZipFile, path: Path) -> str:
    """Return the id of the run that an archive holds, having looked at every name in it."""
    entries = archive.infolist()
    if len(entries) > _MOST_FILES:
        raise ConfigError(f"{path}: {len(entries)} files; expected at most {_MOST_FILES}")
    total = sum(entry.file_size for entry in entries)
    if total > _MOST_BYTES:
        raise ConfigError(f"{path}: {total} bytes unpacked; expected at most {_MOST_BYTES}")
    seen: set[str] = set()
    for entry in entries:
        # Python cuts a name at a zero byte and turns the separators of other systems.
        parts = PurePosixPath(entry.filename).parts
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if (
            not parts
            or entry.filename.startswith("/")
            or any(part in ("..", ".") or "\\" in part or ":" in part for part in parts)
            or entry.orig_filename != entry.filename
        ):
            raise ConfigError(f"{path}: {entry.filename!r} leads out of a run's folder")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ConfigError(f"{path}: {entry.filename!r} is no plain file")
        if entry.filename in seen:
            raise ConfigError(f"{path}: {entry.filename!r} stands twice")
        seen.add(entry.filename)
    tops = {PurePosixPath(name).parts[0] for name in seen}
    run_id = next(iter(tops), "")
    if len(tops) != 1 or not run_id[:1].isdigit() or f"{run_id}/record.json" not in seen:
        raise ConfigError(f"{path}: holds {sorted(tops)[:3]}; expected the folder of one run")
    return run_id


def _unpack(archive: zipfile.ZipFile, path: Path, folder: Path, run_id: str) -> None:
    left = _MOST_BYTES  # what a header says may be a lie
    for entry in archive.infolist():
        target = folder.joinpath(*PurePosixPath(entry.filename).parts[1:])
        if entry.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, target.open("xb") as file:
            while block := source.read(2**20):
                left -= len(block)
                if left < 0:
                    raise ConfigError(f"{path}: unpacks into more than {_MOST_BYTES} bytes")
                file.write(block)
    check_plain(folder)
    found = RunFolder(folder).record().id
    if found != run_id:
        raise ConfigError(f"{path}: record.json is of run {found!r}, the folder is {run_id!r}")
    for name in _LOCKS:
        (folder / name).unlink(missing_ok=True)


def _bibtex(spec: dict[str, object], record: RunRecord) -> str:
    commit = "" if record.git is None else f", commit {record.git.commit}"
    return (
        f"@misc{{qrec_{record.id},\n"
        f"  author  = {{{{The qrec maintainers}}}},\n"
        f"  title   = {{qrec: {spec['title']}}},\n"
        f"  year    = {{{record.created:%Y}}},\n"
        f"  month   = {{{record.created.month}}},\n"
        f"  note    = {{run {record.id} of experiment {spec['name']}}},\n"
        f"  version = {{{record.qrec}{commit}}},\n"
        "}\n"
    )


def _script(folder: RunFolder, record: RunRecord) -> str:
    """Return the script, which leaves the run as it is: a folder of its own takes all it makes."""
    packages = " ".join(
        # What follows a plus names a build that the public index may not have.
        f"'{name}=={version.partition('+')[0]}'"
        for name, version in record.packages.items()
    )
    code = sorted((folder.path / "code").glob("*.py"))
    own = 'cp "$here"/code/*.py .  # own code, of whoever made the run: read it first\n' * bool(
        code
    )
    snapshots = 'cp -r "$here/snapshots" .\n' * (folder.path / "snapshots").is_dir()
    paid = any(_is_paid(entry.spec) for entry in record.backends.values())
    return (
        "#!/bin/sh\n"
        f"# Repeats run {record.id}: Python {record.python}, with the versions that it ran with.\n"
        "# QREC=/path/to/qrec installs qrec from there; options such as --data-dir go to `qrec`.\n"
        "set -eu\n"
        'here=$(cd "$(dirname "$0")" && pwd)\n'
        "work=$(mktemp -d)\n"
        'python3 -m venv "$work/venv"\n'
        '. "$work/venv/bin/activate"\n'
        f'pip install "${{QREC:-qrec=={record.qrec}}}" {packages}\n'
        'cd "$work"\n'
        'export QREC_RUNS_DIR="$work/runs"\n'
        'cp "$here/spec.yaml" "$here/repeat.backends.yaml" .\n'
        f"{snapshots}{own}"
        f'qrec {"submit" if paid else "run"} spec.yaml --backends repeat.backends.yaml "$@"\n'
    )


def _is_paid(spec: Mapping[str, Any]) -> bool:
    return spec.get("kind") == "ibm" or spec.get("free") is False


def _backends(record: RunRecord) -> str:
    """Return the backends of a run as a backends.yaml; their devices are its snapshots.

    A QPU is no snapshot: it is asked by its name, as it is then.
    """
    entries = {}
    for name, entry in record.backends.items():
        fields = {k: v for k, v in entry.spec.items() if k != "name" and v is not None}
        if entry.snapshot is not None and fields.get("kind") == "ibm":
            fields["device"] = entry.snapshot.name
        elif entry.snapshot is not None:
            fields["snapshot"] = f"file:{entry.snapshot.file}"
        entries[name] = fields
    content = {"schema_version": 1, "backends": entries}
    return yaml.safe_dump(content, sort_keys=False)
