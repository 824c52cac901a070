"""Files and folders appear whole or not at all."""

import numpy as np
import pytest

from qrec.runs.files import TEMPORARY, write, write_arrays, write_folder, write_json


class StopError(Exception):
    """Stands for whatever ends a process half way."""


def fail_half_way(file):
    file.write(b"half of i")
    raise StopError


def test_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    write(path, lambda file: file.write(b"old"))
    with pytest.raises(StopError):
        write(path, fail_half_way)
    assert path.read_bytes() == b"old"
    left = [p.name for p in path.parent.iterdir() if p != path]
    assert all(name.startswith(TEMPORARY) for name in left)


def test_folder_is_never_overwritten(tmp_path):
    path = tmp_path / "folder"
    write_folder(path, lambda folder: (folder / "a").write_text("first"))
    with pytest.raises(OSError, match="not empty"):
        write_folder(path, lambda folder: (folder / "a").write_text("second"))
    assert (path / "a").read_text() == "first"


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"rmse": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_arrays_come_back(tmp_path):
    write_arrays(tmp_path / "a.npz", {"0.bits": np.arange(3), "0.more": np.eye(2)})
    with np.load(tmp_path / "a.npz") as stored:
        assert np.array_equal(stored["0.bits"], np.arange(3))
        assert np.array_equal(stored["0.more"], np.eye(2))
