"""What the steps of a run found, on disk: rows and arrays in one file, a model beside it."""

import errno
import json
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qrec.config import Spec, parse_fields
from qrec.errors import ConfigError
from qrec.runs.files import (
    TEMPORARY,
    read_arrays,
    read_json,
    rename,
    stored,
    understood,
    write_arrays,
    write_folder,
    write_json,
)
from qrec.types import R, Row

Arrays = Mapping[str, NDArray[Any]]
_ROWS = "rows"  # the name under which rows stand among the arrays
_MODEL = "model.sha256"  # and the sha256 of the model that was saved: see `_folder_hash`
_DONE, _FAILED = ".npz", ".failed.json"  # what the files of a step's outcome end with


class Problem(Spec):
    """Why a step could not be done."""

    problem: str  # one line
    details: str = ""  # where it arose, if nobody foresaw it


class Saved(Protocol):
    """A model that a step leaves to those after it."""

    def save(self, folder: Path) -> None:
        """Write the model into `folder`."""
        ...


@dataclass(eq=False)
class Outcome:
    """What a step found: rows for tables, arrays for figures, a model for steps after it."""

    rows: Sequence[Row] = ()
    arrays: Arrays = field(default_factory=dict)
    model: Any = None  # a `Saved` when it is stored
    where: str = "outcome"  # its file, for errors


def only_row(outcome: Outcome, kind: type[R]) -> R:
    """Return the row of an outcome that has one, of this type. Raises ConfigError for another."""
    [row] = outcome.rows if len(outcome.rows) == 1 else [None]
    if isinstance(row, kind):
        return row
    found = ", ".join(type(row).__name__ for row in outcome.rows) or "none"
    raise ConfigError(f"{outcome.where}: found rows: {found}; expected one {kind.__name__}")


class StoredOutcome(Outcome):
    """An outcome that was read; its model is loaded when first asked for."""

    def __init__(
        self, rows: Sequence[Row], arrays: Arrays, load: Callable[[], Any], path: Path
    ) -> None:
        self.rows, self.arrays, self._load, self.where = rows, arrays, load, str(path)

    @cached_property
    def model(self) -> Any:
        return self._load()


class Outcomes:
    """The outcomes of a run, by step. `row_types` are the classes that its rows may have."""

    def __init__(self, folder: Path, row_types: Sequence[type[Row]]) -> None:
        self._folder = folder
        self._types = {cls.__name__: cls for cls in row_types}

    def has(self, step: str) -> bool:
        """Return whether a step is finished: its file is written last."""
        return self._path(step).is_file()

    def done(self) -> set[str]:
        """Return the steps that are finished."""
        return self._ending(_DONE)

    def failed(self) -> set[str]:
        """Return the steps that could not be done."""
        return self._ending(_FAILED)

    def fail(self, step: str, problem: Problem) -> None:
        """Store that a step cannot be done."""
        write_json(self._failed_path(step), problem.model_dump())

    def problem(self, step: str) -> str:
        """Return why a step could not be done."""
        path = self._failed_path(step)
        return parse_fields(Problem, read_json(path), str(path)).problem

    def forget_failed(self) -> None:
        """Have the steps that could not be done be tried again."""
        for step in self.failed():
            self._failed_path(step).unlink(missing_ok=True)

    def write(self, step: str, outcome: Outcome) -> None:
        """Store what a step found; from then on it counts as finished.

        Where locks do not reach all machines two processes may do the same step, and find the
        same; what the first of them wrote stays.
        """
        for row in outcome.rows:
            assert type(row).__name__ in self._types, f"{type(row)} is not among the row types"
        arrays = dict(outcome.arrays)
        if outcome.model is not None:
            self._forget_model(step)  # killed before the outcome was there
            self._write_model(step, outcome.model)
            arrays[_MODEL] = np.array(_folder_hash(self.model_path(step)))
        rows = [{"type": type(row).__name__, "fields": row.as_dict()} for row in outcome.rows]
        arrays[_ROWS] = np.array(json.dumps(rows, allow_nan=False))
        write_arrays(self._path(step), arrays)

    @stored()
    def read(self, step: str, load_model: Callable[[Path], Any] | None = None) -> StoredOutcome:
        """Return what a finished step found; `load_model` reads the folder of a model."""
        path = self._path(step)
        arrays = read_arrays(path)
        with understood(path, "the outcome of a step"):
            rows = [self._row(entry, path) for entry in json.loads(str(arrays.pop(_ROWS)))]
        saved = str(arrays.pop(_MODEL, ""))

        @stored()
        def load() -> Any:
            if load_model is None or not saved:
                return None
            model = load_model(path := self.model_path(step))
            if (found := _folder_hash(path)) != saved:
                raise ConfigError(
                    f"{path}: found files of sha256 {found}, expected {saved}, that of the model "
                    f"which step {step} left"
                )
            return model

        return StoredOutcome(rows, arrays, load, path)

    def model_path(self, step: str) -> Path:
        """Return where the model of a step is, or is to be, saved."""
        return self._folder / "models" / step

    def _write_model(self, step: str, model: Saved) -> None:
        try:
            write_folder(self.model_path(step), model.save)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise

    def _forget_model(self, step: str) -> None:
        path = self.model_path(step)
        if path.is_dir():
            shutil.rmtree(path.rename(path.with_name(f"{TEMPORARY}old-{path.name}")))

    def _row(self, entry: Any, path: Path) -> Row:
        if entry.keys() != {"type", "fields"}:
            raise ConfigError(f"{path}: a row of {sorted(entry)}; expected type and fields")
        if entry["type"] not in self._types:
            known = ", ".join(self._types)
            raise ConfigError(f"{path}: a row of type {entry['type']!r}; expected one of {known}")
        try:
            return self._types[entry["type"]].from_dict(entry["fields"])
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None

    def _path(self, step: str) -> Path:
        return self._folder / "outcomes" / f"{step}{_DONE}"

    def _failed_path(self, step: str) -> Path:
        return self._folder / "outcomes" / f"{step}{_FAILED}"

    def _ending(self, ending: str) -> set[str]:
        """Return the steps that have a file with this ending, having read the folder once."""
        try:
            names = [path.name for path in (self._folder / "outcomes").iterdir()]
        except FileNotFoundError:
            return set()
        return {
            name.removesuffix(ending)
            for name in names
            if name.endswith(ending) and not name.startswith(TEMPORARY)
        }


def _folder_hash(folder: Path) -> str:
    """Return the sha256 of all files below a folder, their names and their bytes."""
    digest = sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


class Redone(Outcomes):
    """Outcomes of which those of the steps `names` are made again, in the folder `place`."""

    def __init__(self, base: Outcomes, place: Path, names: Collection[str]) -> None:
        super().__init__(place, list(base._types.values()))
        self._base, self._names = base, names

    def done(self) -> set[str]:
        return (self._base.done() - set(self._names)) | super().done()

    def failed(self) -> set[str]:
        return self._base.failed()

    def has(self, step: str) -> bool:
        return super().has(step) if step in self._names else self._base.has(step)

    def write(self, step: str, outcome: Outcome) -> None:
        super().write(step, outcome) if step in self._names else self._base.write(step, outcome)

    def read(self, step: str, load_model: Callable[[Path], Any] | None = None) -> StoredOutcome:
        if step in self._names:
            return super().read(step, load_model)
        return self._base.read(step, load_model)

    def take_place(self) -> None:
        """Put what was made again in the place of what stood."""
        for step in self._names:
            if self.model_path(step).is_dir():
                self._base._forget_model(step)
                rename(self.model_path(step), self._base.model_path(step))
            rename(self._path(step), self._base._path(step))
