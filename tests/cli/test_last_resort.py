"""Whatever goes wrong is one line and no exit status 0; what nobody foresaw is kept in a file."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparseObservable

from qrec import cli
from qrec.backends import Workload
from qrec.data.table import ratings_from_columns
from qrec.errors import ConfigError, DataError
from qrec.recommenders import ALS, GlobalMean
from qrec.runner.load import parse_override


def ended(capsys, monkeypatch, raised):
    """Return exit status and stderr of a command that raises this."""

    def app(**_):
        raise raised

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code, capsys.readouterr().err


def test_unforeseen_error_says_where_its_details_are(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("QREC_CACHE_DIR", str(tmp_path))
    status, err = ended(capsys, monkeypatch, ZeroDivisionError("one\ntwo"))
    assert status == 1
    assert len(err.splitlines()) == 1
    assert "ZeroDivisionError: one; two" in err
    details = Path(err.strip().rpartition("details: ")[2])
    assert details.is_relative_to(tmp_path)
    assert "Traceback" in details.read_text()


def test_error_in_what_a_kind_makes_of_files_says_where_too(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("QREC_CACHE_DIR", str(tmp_path))
    error = ConfigError("not the outcomes")
    error.__cause__ = KeyError("truth")
    status, err = ended(capsys, monkeypatch, error)
    assert (status, "details: " in err) == (2, True)
    plain = ended(capsys, monkeypatch, ConfigError("plain"))
    assert plain == (2, "qrec: plain\n")


def test_folder_for_details_that_cannot_be_written_is_said(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QREC_CACHE_DIR", str(tmp_path / "file"))
    status, err = ended(capsys, monkeypatch, ZeroDivisionError("x"))
    assert status == 1
    assert "could not be written" in err


def test_what_a_terminal_would_obey_is_shown_as_text(capsys, monkeypatch):
    _, err = ended(capsys, monkeypatch, ConfigError("found \x1b[31mred"))
    assert err == "qrec: found \\x1b[31mred\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_output_that_cannot_be_written_is_one_line():
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "qrec", "list", "datasets"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=os.environ,
        )  # fmt: skip
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "No space left" in ended.stderr


def test_override_without_end_is_one_line():
    with pytest.raises(ConfigError, match="--set seed: the value is not valid YAML"):
        parse_override(f"seed={'[' * 5000}")


def test_ratings_beyond_float64_are_one_line():
    columns = {"user": [k // 9 for k in range(60)], "item": [k % 9 for k in range(60)]}
    large = ratings_from_columns(
        **columns, rating=[1e15 * (1 + k % 7) / 8 for k in range(60)], scale=(1.0, 1e15)
    )
    with pytest.raises(DataError, match=r"ALS\.fit: .*ratings from 1\.25e\+14 to 8\.75e\+14"):
        ALS().fit(large)
    with pytest.raises(DataError, match="expected bounds of at most 1e"):
        ratings_from_columns(**columns, rating=[1e150] * 60, scale=(1.0, 1e150))


def test_masked_numbers_are_refused():
    columns = {"user": [0, 0, 1, 1], "item": [0, 1, 0, 1], "rating": [1.0, 2.0, 3.0, 4.0]}
    model = GlobalMean().fit(ratings_from_columns(**columns, scale=(1.0, 5.0)))
    with pytest.raises(DataError, match="masked"):
        model.predict(np.ma.masked_array([[0, 1], [1, 1]], mask=[[0, 0], [0, 1]]))
    with pytest.raises(DataError, match="masked"):
        model.recommend(np.ma.masked_array([0, 1], mask=[0, 1]))
    assert model.recommend(np.array([0, 1]), n=1)[0].shape == (2, 1)
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    rows = np.ma.masked_array([[1.0], [2.0]], mask=[[0], [1]])
    with pytest.raises(ConfigError, match="masked"):
        Workload(circuit, SparseObservable.from_label("Z"), rows, "k")
