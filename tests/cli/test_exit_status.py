"""Exit status of every verb: 0 done, 1 failed, 2 bad usage, 3 not finished, 4 missing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import yaml

from qrec.cli import app

RUN = (
    "status",
    "fetch",
    "cancel",
    "attach",
    "show",
    "replay",
    "compare",
    "report",
    "open",
    "export",
    "work",
)
MORE = {"attach": ["job"], "cancel": ["--yes"], "export": ["-o", "copy.zip"]}
USAGE = {
    "run": ["--resume", "latest", "--dry-run"],
    "submit": ["report", "--follow", "--resume", "latest"],
    "tune": ["--trials", "0"],
    "status": ["one", "two"],
    "fetch": ["one", "two"],
    "cancel": ["latest", "--all"],
    "attach": ["latest"],
    "show": ["--nonsense"],
    "replay": ["--nonsense"],
    "compare": [],
    "report": ["one", "two", "three"],
    "open": ["one", "two"],
    "export": ["one", "two"],
    "import": [],
    "new": ["recommender", "no-name"],
    "list": ["nonsense"],
    "doctor": ["-b", "nonsense", "--nonsense"],
    "data": ["fetch", "nonsense"],
    "count": ["nonsense"],
    "explain": ["nonsense"],
    "schema": ["nonsense"],
    "work": [],
}
# Where each verb is when Ctrl-C comes, and what it is then called with.
WHERE = {
    "explain": ("qrec.backends.open_backend", ["swap_test"]),
    "open": ("qrec.runs.folder.find_run", []),
    "export": ("qrec.runner.archive.export_run", []),
    "import": ("qrec.runner.archive.import_run", ["x.zip"]),
    "new": ("qrec.cli.new.show_note", ["circuit", "mine"]),
    "list": ("qrec.runs.summary.summaries", ["runs"]),
    "doctor": ("qrec.backends.backend_names", []),
    "data": ("qrec.data.fetch_dataset", ["fetch", "ml-100k"]),
    "schema": ("qrec.cli.schema.backends_schema", ["backends"]),
    "run": ("qrec.runner.run.make_places", ["report"]),
    "submit": ("qrec.runner.run.make_places", ["hardware"]),
    "tune": ("qrec.runner.run.make_places", ["report"]),
    "count": ("qrec.runner.run.make_places", ["swap_test"]),
    "compare": ("qrec.runner.run.make_places", ["latest"]),
    "cancel": ("qrec.runner.run.make_places", ["latest"]),
    "attach": ("qrec.runner.run.make_places", ["latest", "job"]),
}


@pytest.fixture
def runs(small_run, runs_dir, tmp_path, monkeypatch):
    """Return a folder of runs with a copy of the finished run, in force."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_run.folder.path, runs_dir / small_run.id)
    return runs_dir


def verbs():
    return [*(c.name for c in app.registered_commands), *(g.name for g in app.registered_groups)]


def test_no_verb_is_left_out():
    assert set(USAGE) == set(verbs())


def one_line(err):
    assert err.count("\n") == 1
    assert err.startswith("qrec: ")
    assert "unforeseen" not in err


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("verb", USAGE)
def test_bad_usage_is_two(verb, qrec):
    status, out, err = qrec(verb, *USAGE[verb])
    assert (status, out) == (2, "")
    assert err
    assert "Traceback" not in err


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("verb", RUN)
def test_a_run_that_is_not_there_is_two(verb, qrec):
    status, out, err = qrec(verb, "nothing", *MORE.get(verb, []))
    assert (status, out) == (2, "")
    one_line(err)


@pytest.mark.parametrize("file", ["spec.yaml", "record.json"])
@pytest.mark.parametrize("verb", ["fetch", "show", "replay", "compare", "report", "export"])
def test_a_damaged_run_is_two(verb, file, qrec, runs, small_run):
    (runs / small_run.id / file).write_text("{")
    status, out, err = qrec(verb, "latest", *MORE.get(verb, []))
    assert (status, out) == (2, "")
    one_line(err)
    assert file in err


@pytest.mark.parametrize("verb", ["show", "compare", "report", "open"])
def test_a_run_that_has_not_ended_is_three(verb, qrec, runs, small_run):
    (runs / small_run.id / "rows.csv").unlink()
    status, out, err = qrec(verb, "latest")
    assert (status, out) == (3, "")
    one_line(err)
    assert f"qrec run --resume {small_run.id}" in err


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("verb", ["fetch", "cancel", "attach"])
def test_a_run_that_was_not_submitted_is_two(verb, qrec):
    status, _, err = qrec(verb, "latest", *MORE.get(verb, []))
    assert status == 2
    one_line(err)
    assert "was not submitted" in err


@pytest.mark.usefixtures("runs")
def test_what_is_done_is_zero(qrec, experiment_file, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    for asked in (
        ["run", experiment_file, "--dry-run"],
        ["submit", experiment_file, "-b", "aer_ideal", "--dry-run"],
        *([verb, "latest"] for verb in ("status", "show", "replay", "compare", "report", "open")),
        ["export", "latest", "-o", "copy.zip"],
        ["new", "circuit", "mine"],
        ["list", "runs"],
        ["doctor", "-b", "exact"],
        ["count", "swap_test"],
        ["explain", "swap_test"],
        ["fetch"],
        ["cancel", "--all"],
    ):
        status, _, err = qrec(*asked)
        assert status == 0, (asked, err)


@pytest.mark.usefixtures("runs")
def test_a_missing_account_or_file_is_four(qrec, experiment_file, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("QISKIT_IBM_TOKEN", "QREC_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    for asked in (["list", "devices"], ["submit", experiment_file, "-b", "ibm"],
                  ["cancel", "--job", "x"]):  # fmt: skip
        status, out, err = qrec(*asked)
        assert (status, out) == (4, "")
        one_line(err)
        assert "no account found" in err

    status, out, err = qrec("run", experiment_file, "--set", "dataset=netflix")
    assert (status, out) == (4, "")
    one_line(err)


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("verb", verbs())
def test_an_interrupt_says_how_to_go_on_and_is_three(verb, qrec, monkeypatch):
    place, asked = WHERE.get(verb, ("qrec.runner.run.make_places", ["latest"]))

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupted)
    status, _, err = qrec(verb, *asked)
    assert status == 3
    one_line(err)
    assert err.startswith("qrec: stopped; ")
    assert "same command again" in err


def test_sigterm_ends_a_study_that_goes_on(tmp_path, small_experiment):
    pytest.importorskip("optuna")
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(small_experiment))
    command = [sys.executable, "-m", "qrec", "tune"]
    running = subprocess.Popen(
        [*command, "small.yaml", "--trials", "500", "--only", "als"],
        cwd=tmp_path, stderr=subprocess.PIPE, env=os.environ | {"QREC_RUNS_DIR": "runs"}, text=True,
    )  # fmt: skip
    while not any(
        log.read_text().count("\n") > 20 for log in tmp_path.glob("runs/studies/*/tune.log")
    ):
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=60)
    [folder] = tmp_path.glob("runs/studies/*/")
    assert running.returncode == 3
    assert err.splitlines()[-1].endswith(f"Go on with: qrec tune --resume {folder.name}")


def test_json_is_printed_where_a_verb_says_so(qrec, runs):
    for verb in ("status", "show", "replay", "compare", "fetch"):
        status, out, err = qrec(verb, *([] if verb == "fetch" else ["latest"]), "--json")
        assert status == 0, err
        assert json.loads(out)
    assert runs.is_dir()
