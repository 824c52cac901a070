"""Fitted recommenders on disk: parameters and scalars in JSON, arrays in NPZ."""

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qrec.backends.base import Backend
from qrec.errors import ConfigError

if TYPE_CHECKING:
    from qrec.recommenders.base import Recommender

_VERSION = 1


def save(model: "Recommender", folder: Path) -> None:
    """Write `model` to `folder`; recommenders inside it go to folders of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {}
    record = {
        "schema_version": _VERSION,
        "module": type(model).__module__,
        "class": type(model).__qualname__,
        "params": _encode(model.get_params(deep=False), folder, arrays, "params"),
        "fitted": _encode(
            {k: v for k, v in vars(model).items() if k.endswith("_")}, folder, arrays, "fitted"
        ),
    }
    np.savez(folder / "arrays.npz", **arrays)
    (folder / "model.json").write_text(json.dumps(record, indent=1))


def load_recommender(folder: Path | str) -> "Recommender":
    """Read a recommender that `Recommender.save` wrote.

    Raises ConfigError when the folder holds none, or one of another schema version.
    """
    folder = Path(folder)
    path = folder / "model.json"
    if not path.is_file():
        raise ConfigError(f"{path}: no saved recommender here")
    record = json.loads(path.read_text())
    if record["schema_version"] != _VERSION:
        raise ConfigError(
            f"{path}: schema_version {record['schema_version']}, this qrec reads {_VERSION}"
        )
    with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
        arrays = dict(stored)
    cls = getattr(import_module(record["module"]), record["class"])
    model: Recommender = cls(**_decode(record["params"], folder, arrays))
    for name, value in _decode(record["fitted"], folder, arrays).items():
        setattr(model, name, value)
    return model


def _encode(value: Any, folder: Path, arrays: dict[str, Any], name: str) -> Any:
    """Turn `value` into JSON, putting arrays into `arrays` and models into subfolders."""
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"$array": name}
    if isinstance(value, Backend):
        return {"$backend": value.spec.model_dump(mode="json")}
    if hasattr(value, "get_params") and hasattr(value, "predict"):
        save(value, folder / name)
        return {"$recommender": name}
    if isinstance(value, dict):
        return {k: _encode(v, folder, arrays, f"{name}.{k}") for k, v in value.items()}
    if isinstance(value, tuple | list):
        items = [_encode(v, folder, arrays, f"{name}.{i}") for i, v in enumerate(value)]
        return {"$tuple": items} if isinstance(value, tuple) else items
    return value.item() if isinstance(value, np.generic) else value


def _decode(value: Any, folder: Path, arrays: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_decode(v, folder, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        return arrays[value["$array"]]
    if "$backend" in value:
        return value["$backend"]
    if "$recommender" in value:
        return load_recommender(folder / value["$recommender"])
    if "$tuple" in value:
        return tuple(_decode(v, folder, arrays) for v in value["$tuple"])
    return {k: _decode(v, folder, arrays) for k, v in value.items()}
