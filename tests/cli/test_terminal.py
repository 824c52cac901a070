"""What a terminal, a pipe, a batch system and a hurried user meet."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qrec.analysis.accuracy import accuracy_table
from qrec.analysis.rows import comparison_rows
from qrec.analysis.samples import Sample
from qrec.analysis.table import Table, to_text, with_stderr
from qrec.cli._shared import show_tables
from qrec.errors import ConfigError
from qrec.registry import experiment_paths
from qrec.runner.load import load
from qrec.runs import progress
from qrec.runs.ledger import JobRecord, Ledger

pytestmark = pytest.mark.usefixtures("runs_dir")


def call(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "qrec", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_short_help_and_completion_are_there():
    assert "run [OPTIONS]" in call("run", "-h").stdout
    assert call("-h").stdout == call("--help").stdout
    script = call("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_QREC_COMPLETE" in script.stdout + call(_QREC_COMPLETE="source_bash").stdout


def test_a_pipe_gets_plain_text_in_80_columns_without_trailing_blanks(tmp_path, small_experiment):
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(small_experiment))
    done = call("run", path, NO_COLOR="1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line != line.rstrip()] == []
    assert "\x1b" not in done.stdout + done.stderr
    assert "Warning" not in done.stderr


def test_text_of_a_table_has_no_trailing_blanks():
    text = to_text(Table("t", ["a", "b"], [["x", "1"]]))
    assert all(line == line.rstrip() for line in text.splitlines())


def test_warnings_of_libraries_are_for_those_who_ask():
    code = "import warnings; from qrec.cli._shared import quiet_libraries; quiet_libraries();" \
           "warnings.warn('of a library')"  # fmt: skip
    for options, heard in (([], False), (["-W", "default"], True)):
        done = subprocess.run(
            [sys.executable, *options, "-c", code], capture_output=True, text=True, check=True
        )
        assert ("of a library" in done.stderr) is heard


def test_sigterm_is_an_interrupt_that_says_how_to_go_on(tmp_path, small_experiment):
    small_experiment["repeats"] = 200
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(small_experiment))
    command = [sys.executable, "-m", "qrec", "run", tmp_path / "small.yaml"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("runs/*/outcomes/*")):
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=60)
    [folder] = (tmp_path / "runs").iterdir()
    assert running.returncode == 3
    assert err.splitlines()[-1].endswith(f"Go on with: qrec run --resume {folder.name}")


def test_progress_says_how_long_it_still_takes(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.progress() as report:
        for done, seconds in ((100, 3.0), (110, 10.0), (120, 20.0)):
            now[0] = seconds
            report("step", done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "100/1000 step"  # these were done before
    assert lines[1] == "110/1000 step; about 15 min left"
    assert lines[2] == "120/1000 step; about 15 min left"


def test_a_row_that_scored_nothing_says_so():
    none = np.full(4, np.nan)
    notes = {"recommender": "deaf", "backend": None, "shots": None, "repeat": 0, "place": 0,
             "class": "deaf", "family": "classical", "params": {}, "chosen": {},
             "noise_floor": None, "fit_seconds": 1.0, "tune_seconds": None,
             "predict_seconds": 1.0, "validation_rmse": None, "circuits": None,
             "scored_on": "test"}  # fmt: skip
    codes = np.arange(4, dtype=np.int32)
    sample = Sample(codes, codes, np.ones(4), none, notes)
    text = to_text(accuracy_table(["heading"], comparison_rows([sample], ["rmse", "mae"])))
    assert "-±-" not in text
    assert "Scored no pair at all: deaf." in text
    assert with_stderr(float("nan"), None, 3) == with_stderr(None, None, 3) == "-"


def test_an_unknown_key_is_told_the_nearest(small_experiment):
    small_experiment["recommenders"][1]["parms"] = {}
    with pytest.raises(ConfigError, match="no such key; did you mean 'params'"):
        load(small_experiment)


@pytest.mark.parametrize("name", sorted(experiment_paths()))
def test_an_unknown_key_is_told_the_nearest_whatever_the_kind(name):
    content = yaml.safe_load(experiment_paths()[name].read_text())
    keys = [key for key in content if key not in ("kind", "schema_version", "title")]
    for key in keys:
        wrong = {(f"{k[:-1]}_{k[-1]}" if k == key else k): v for k, v in content.items()}
        with pytest.raises(ConfigError, match=f"no such key; did you mean '{key}'"):
            load(wrong)


def test_a_key_that_stands_twice_is_refused(tmp_path, small_experiment):
    path = tmp_path / "twice.yaml"
    path.write_text(yaml.safe_dump(small_experiment) + "seed: 4\n")
    with pytest.raises(ConfigError, match=r"twice.yaml: .*line \d+: the key 'seed' stands twice"):
        load(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_pairs": "x"}, "--set n_pairs: n_pairs"),
        ({"seed": 1, "recommenders.als.params.n_factors": "x"}, "--set recommenders.als"),
        ({"recommenders.als.parms": 1}, "did you mean 'params'"),
    ],
)
def test_what_set_breaks_is_blamed_on_set(changes, said, tmp_path, small_experiment):
    path = tmp_path / "right.yaml"
    path.write_text(yaml.safe_dump(small_experiment))
    with pytest.raises(ConfigError, match=said) as error:
        load(path, changes)
    assert "right.yaml" not in str(error.value)
    path.write_text(yaml.safe_dump(small_experiment | {"seed": -1}))
    with pytest.raises(ConfigError, match=r"right\.yaml"):
        load(path, {"n_pairs": "x"})
    load(path, {"seed": 1})  # what the file lacks may be set


def test_a_dry_run_refuses_what_a_run_refuses(tmp_path, small_experiment):
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(small_experiment))
    provider = {"kind": "provider", "free": False, "shots": 50, "optimization_level": 1,
                "seed_transpiler": 1,
                "backend": "qiskit.providers.basic_provider:BasicSimulator"}  # fmt: skip
    backends = tmp_path / "backends.yaml"
    backends.write_text(yaml.safe_dump({"schema_version": 1, "backends": {"paid": provider}}))
    for more in ([], ["--dry-run"]):
        done = call("run", path, "-b", "paid", "--backends", backends, *more)
        assert done.returncode == 2
        assert "is no free simulator" in done.stderr
    small_experiment["split"]["ratios"] = [0.9, 0.0, 0.1]
    small_experiment["dataset"] = {"name": "synthetic", "n_users": -1}
    path.write_text(yaml.safe_dump(small_experiment))
    done = call("run", path, "--dry-run")
    assert done.returncode == call("run", path).returncode != 0


LONG = "20261127T084531Z_" + "a_name_as_long_as_some_people_like_them_" * 2 + "1a2b3c4d"
NAME = st.text("abc_", min_size=1, max_size=60)


@given(
    st.lists(st.tuples(NAME, NAME, st.sampled_from(["DONE", "QUEUED"])), min_size=1, max_size=4),
    st.lists(st.integers(0, 10**9), min_size=4, max_size=4),
)
def test_no_name_and_no_figure_is_broken_in_80_columns(names, figures):
    columns = ["run", "recommender", "state", "executions", "QPU s", "used s", "depth of gates"]
    rows = [[*row, *map(str, figures)] for row in names]
    text = to_text(Table(f"of {LONG}", columns, rows, [f"run: {LONG}"], n_text=3))
    words = text.split()
    assert {LONG, *(word for row in rows for word in row)} <= set(words)
    assert all(len(line) <= 80 or line.split() == [LONG] for line in text.splitlines())


def test_as_few_names_as_will_do_are_numbered():
    rows = [["short", "DONE"], ["a" * 90, "DONE"]]
    text = to_text(Table("t", ["job", "state"], rows, n_text=2))
    assert "short  DONE" in text
    assert text.rstrip().splitlines()[-2:] == ["job 1:", "a" * 90]


def test_ids_in_status_are_whole(qrec):
    ledger = Ledger()
    job = "arn:aws:braket:us-west-1:123456789012:quantum-task/" + "0123456789ab" * 3
    ledger.add([JobRecord("u", LONG, "ibm", "ibm_x", "PLANNED", None, 1, 1.0)])
    ledger.submitted("u", job)
    ledger.ended("u", "FAILED", "device on fire", used=1.0)
    status, out, _ = qrec("status")
    assert status == 0
    assert {LONG, job} <= set(out.split())
    assert "device on fire" in out
    assert json.loads(qrec("status", "--json")[1])["rows"][0]["message"] == "device on fire"


def test_no_color_on_a_terminal_is_plain_text(monkeypatch, capsys):
    for value, plain in (("1", True), ("", False)):
        monkeypatch.setenv("NO_COLOR", value)
        monkeypatch.setenv("FORCE_COLOR", "1")
        show_tables([Table("t", ["a"], [["x"]])])
        assert ("\x1b" not in capsys.readouterr().out) is plain
