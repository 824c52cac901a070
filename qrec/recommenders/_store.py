"""Fitted recommenders on disk: parameters and scalars in JSON, arrays in NPZ, circuits in QPY.

Nothing in such a folder is code: it names a class, which is found by the registry or not at all.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zipfile import BadZipFile

import numpy as np
from qiskit import QuantumCircuit, qpy
from qiskit.quantum_info import SparseObservable

from qrec.backends.base import Backend
from qrec.backends.open import check_recorded
from qrec.config import Spec, parse_fields
from qrec.errors import ConfigError, QrecError
from qrec.recommenders import recommender_class, recommender_name
from qrec.recommenders.parameters import check_parameters, is_backend

if TYPE_CHECKING:
    from qrec.recommenders.base import Recommender

OpenStored = Callable[[dict[str, Any]], Backend]
_VERSION = 2
_MODEL, _ARRAYS = "model.json", "arrays.npz"


class _Record(Spec):
    schema_version: Literal[2]
    recommender: str  # a registered name, or module:attribute
    params: dict[str, Any]
    fitted: dict[str, Any]


def save(model: "Recommender", folder: Path) -> None:
    """Write `model` to `folder`; recommenders inside it go to folders of their own.

    Raises ConfigError for a value that cannot be read back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writer = _Writer(folder)
    fitted = {k: v for k, v in vars(model).items() if _is_fitted(k)}
    record = {
        "schema_version": _VERSION,
        "recommender": recommender_name(type(model)),
        "params": writer.encode(model.get_params(deep=False), "params"),
        "fitted": writer.encode(fitted, "fitted"),
    }
    np.savez(folder / _ARRAYS, **writer.arrays)
    (folder / _MODEL).write_text(json.dumps(record, indent=1))


def load(folder: Path, open_stored: OpenStored | None) -> "Recommender":
    """Read what `save` wrote; see `qrec.recommenders.load_recommender`."""
    path = folder / _MODEL
    if not path.is_file():
        raise ConfigError(f"{path}: no saved recommender here")
    record = _read_record(path)
    reader = _Reader(folder, open_stored)
    cls = recommender_class(record.recommender, f" (in {path})")
    params = {name: reader.parameter(name, value) for name, value in record.params.items()}
    try:
        check_parameters(cls, params, references=False)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    model = cls(**params)
    for name, value in record.fitted.items():
        if not _is_fitted(name):
            raise ConfigError(f"{path}: fitted: {name!r} is no fitted attribute, as weights_ is")
        setattr(model, name, reader.decode(value))
    return model


def _read_record(path: Path) -> _Record:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(fields, dict) or fields.get("schema_version") != _VERSION:
        version = fields.get("schema_version") if isinstance(fields, dict) else None
        raise ConfigError(
            f"{path}: schema_version {version!r}; this qrec reads {_VERSION}: fit and save again"
        )
    return parse_fields(_Record, fields, str(path))


def _is_fitted(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_")


class _Writer:
    """Turns values into JSON: arrays go to `arrays`, circuits and models beside them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.arrays: dict[str, Any] = {}

    def encode(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return {k: self.encode(v, f"{name}.{k}") for k, v in value.items()}
        if isinstance(value, tuple | list):
            items = [self.encode(v, f"{name}.{i}") for i, v in enumerate(value)]
            return {"$tuple": items} if isinstance(value, tuple) else items
        if isinstance(value, np.generic):
            return value.item()
        if value is None or isinstance(value, str | int | float):
            return value
        return self._encode_object(value, name)

    def _encode_object(self, value: Any, name: str) -> dict[str, Any]:
        if isinstance(value, np.ndarray):
            self.arrays[name] = value
            return {"$array": name}
        if isinstance(value, QuantumCircuit):
            with (self._folder / f"{name}.qpy").open("wb") as file:
                qpy.dump(value, file)
            return {"$circuit": name}
        if isinstance(value, SparseObservable):
            terms = [(label, list(qubits), c.real) for label, qubits, c in value.to_sparse_list()]
            return {"$observable": terms, "num_qubits": value.num_qubits}
        if isinstance(value, Backend):
            return {"$backend": value.spec.model_dump(mode="json")}
        if hasattr(value, "get_params") and hasattr(value, "predict"):
            save(value, self._folder / name)
            return {"$recommender": name}
        raise ConfigError(
            f"{name} is a {type(value).__name__}, which cannot be saved; expected numbers, "
            "strings, arrays, circuits, recommenders, or a backend opened by open_backend"
        )


class _Reader:
    """Turns JSON back into values."""

    def __init__(self, folder: Path, open_stored: OpenStored | None) -> None:
        self._folder, self._open_stored = folder, open_stored
        try:
            with np.load(folder / _ARRAYS, allow_pickle=False) as stored:
                self._arrays = dict(stored)
        except (OSError, ValueError, BadZipFile) as error:
            raise ConfigError(f"{folder / _ARRAYS}: cannot be read: {error}") from None

    def decode(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.decode(v) for v in value]
        if not isinstance(value, dict):
            return value
        mark = next((key for key in value if key.startswith("$")), None)
        if mark is None:
            return {k: self.decode(v) for k, v in value.items()}
        try:
            return self._decode_object(mark, value)
        except QrecError:
            raise
        except Exception as error:  # numpy, Qiskit and a damaged file fail in ways of their own
            where = self._folder / _MODEL
            raise ConfigError(f"{where}: {value} cannot be read back: {error}") from error

    def parameter(self, name: str, value: Any) -> Any:
        """Return a hyper-parameter; settings of a backend are never opened unseen."""
        found = self.decode(value)
        settings = is_backend(name) and isinstance(found, dict)
        return self._stored_backend(found) if settings else found

    def _stored_backend(self, settings: dict[str, Any]) -> Any:
        if self._open_stored is not None:
            return self._open_stored(settings)
        check_recorded(settings, str(self._folder / _MODEL))
        return settings

    def _decode_object(self, mark: str, value: dict[str, Any]) -> Any:
        held = value[mark]
        if mark == "$tuple" and isinstance(held, list):
            return tuple(self.decode(v) for v in held)
        if mark == "$array" and held in self._arrays:
            return self._arrays[held]
        if mark == "$observable":
            return SparseObservable.from_sparse_list(list(map(tuple, held)), value["num_qubits"])
        if mark == "$backend":
            return self._stored_backend(held)
        if mark == "$circuit":
            with self._beside(f"{held}.qpy").open("rb") as file:
                return qpy.load(file)[0]
        if mark == "$recommender":
            return load(self._beside(held), self._open_stored)
        raise ConfigError(f"{self._folder / _MODEL}: {value} stands for nothing that was saved")

    def _beside(self, name: Any) -> Path:
        """Return what lies in this folder under a name, and nowhere else."""
        path = self._folder / str(name)
        if path.parent != self._folder or path.name in ("", ".", "..") or not path.exists():
            raise ConfigError(f"{self._folder / _MODEL}: {name!r} is nothing in {self._folder}")
        return path
