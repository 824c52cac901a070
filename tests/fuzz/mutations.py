"""Ways in which the files of a run, an experiment or a ledger come to be damaged or foreign."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from hypothesis import strategies as st

ODD = [
    None, 3, -1, 1.5, True, "x", "", "\x1b[31m", "../../x", 10**30,
    [], {}, [3], [[]], {"a": 1},
]  # fmt: skip
ARRAYS: list[Callable[[tuple[int, ...]], np.ndarray]] = [
    lambda _: np.array([{}], dtype=object),  # a pickle
    lambda _: np.array(["x"]),
    lambda _: np.array(3.0),
    lambda _: np.zeros((2, 2, 2)),
    lambda _: np.zeros((0,)),
    lambda shape: np.ones(shape, complex),
    lambda shape: np.ones(shape, bool),
    lambda shape: np.full(shape, np.nan),
    lambda shape: np.full(shape, 10**18),
    lambda shape: np.full(shape, -5),
    lambda shape: np.zeros(shape, "M8[s]"),
]
COLUMNS = ("uid", "run", "backend", "state", "job_id", "executions", "qpu_seconds",
           "used_seconds", "message", "sent")  # fmt: skip


def keys(content: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value within a JSON document."""
    entries = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in entries:
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from keys(value, (*at, key))


def changed(draw: st.DrawFn, content: Any) -> Any:
    """Return a document with one value of another type, dropped, or added."""
    content = deepcopy(content)
    *way, last = draw(st.sampled_from(list(keys(content))))
    place = content
    for key in way:
        place = place[key]
    action = draw(st.sampled_from(["set", "drop", "add"]))
    if action == "drop":
        del place[last]
    elif action == "add" and isinstance(place, dict):
        place["odd"] = draw(st.sampled_from(ODD))
    else:
        place[last] = draw(st.sampled_from(ODD))
    return content


def damage(draw: st.DrawFn, path: Path) -> None:
    """Damage a file as a disk does, or as somebody who edits it."""
    forms = {".json": _json, ".yaml": _yaml, ".npz": _arrays}
    ways = [_bytes, _replaced]
    ways += 4 * [form] if (form := forms.get(path.suffix)) else []
    draw(st.sampled_from(ways))(draw, path)


def damage_ledger(draw: st.DrawFn, path: Path) -> None:
    """Put what has no place into a ledger's rows."""
    column = draw(st.sampled_from(COLUMNS))
    value = draw(st.sampled_from([None, "x", b"\xff", -1, 1.5, 10**15]))
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        connection.execute(f"UPDATE jobs SET {column} = ?", (value,))
        connection.commit()
    except sqlite3.IntegrityError:
        return  # the ledger would not have it either
    finally:
        connection.close()


def _bytes(draw: st.DrawFn, path: Path) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(draw(st.integers(1, 3))):
        if content:
            content[draw(st.integers(0, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
    path.write_bytes(content[: draw(st.sampled_from([len(content), len(content) // 2]))])


def _replaced(draw: st.DrawFn, path: Path) -> None:
    path.unlink()
    what = draw(st.sampled_from(["nothing", "folder", "empty", "bytes", "link"]))
    if what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to("/etc/hostname")
    elif what != "nothing":
        path.write_bytes(b"" if what == "empty" else draw(st.binary(min_size=1, max_size=40)))


def _json(draw: st.DrawFn, path: Path) -> None:
    path.write_text(json.dumps(changed(draw, json.loads(path.read_text()))))


def _yaml(draw: st.DrawFn, path: Path) -> None:
    path.write_text(yaml.safe_dump(changed(draw, yaml.safe_load(path.read_text()))))


def _arrays(draw: st.DrawFn, path: Path) -> None:
    with np.load(path) as stored:
        arrays = dict(stored)
    name = draw(st.sampled_from(sorted(arrays)))
    words = next((key for key in ("rows", "asked") if key in arrays), None)
    action = draw(st.sampled_from(["drop", "other", "short", "words"]))
    if action == "words" and words is not None and (said := json.loads(str(arrays[words]))):
        arrays[words] = np.array(json.dumps(changed(draw, said)))
    elif action == "drop":
        del arrays[name]
    elif action == "short" and arrays[name].ndim:
        arrays[name] = arrays[name][:-1]
    else:
        arrays[name] = draw(st.sampled_from(ARRAYS))(arrays[name].shape)
    with path.open("wb") as file:
        np.savez(file, **dict[str, Any](arrays))


def fresh_copy(source: Path, target: Path) -> Path:
    """Return a copy of a folder where another may stand."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target
