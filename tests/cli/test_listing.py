"""Every run is one line, whatever state it is in; nothing of it is run for that."""

import csv
import json
import shutil
import sys

import pytest

from qrec.cli import main
from qrec.runner.load import load
from qrec.runner.run import begin
from qrec.runs.folder import find_run
from qrec.runs.ledger import JobRecord, Ledger

N_STEPS = 8


@pytest.fixture
def qrec(capsys, monkeypatch):
    """Return a function that runs a command and gives stdout, where it ended well."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["qrec", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, capsys.readouterr().err
        return capsys.readouterr().out

    return call


@pytest.fixture
def runs(small_run, runs_dir):
    """Return a folder with a copy of the finished run."""
    shutil.copytree(small_run.folder.path, runs_dir / small_run.id)
    return runs_dir


def lines(out):
    """Return the lines of the runs, by their ids."""
    return {line.split()[0]: line for line in out.splitlines() if line.lstrip().startswith("2")}


@pytest.mark.usefixtures("runs")
def test_finished_comparison_shows_its_best_row(qrec, small_run):
    line = lines(qrec("list", "runs"))[small_run.id]
    held_out = [row for row in small_run.rows if row["shots"] is None]
    best = min(held_out, key=lambda row: row["rmse"])
    assert f"{best['recommender']} {best['rmse']:.4f}" in line
    assert all(word in line for word in ("small", "synthetic", "exact, aer_ideal"))
    assert line.endswith("finished")


@pytest.mark.usefixtures("runs")
def test_stopped_run_shows_how_far_it_is(qrec, small_run):
    run = find_run(small_run.id)
    run.rows_path.unlink()
    outcomes = sorted((run.path / "outcomes").glob("*.npz"))
    outcomes[0].unlink()
    line = lines(qrec("list", "runs"))[small_run.id]
    assert line.endswith(f"{len(outcomes) - 1} of {len(outcomes)} steps")


@pytest.mark.usefixtures("runs_dir")
def test_submitted_run_shows_what_it_waits_for(qrec, small_experiment):
    folder = begin(load(small_experiment))
    ledger = Ledger()
    jobs = [
        JobRecord(uid, folder.id, "ibm", "ibm_x", "PLANNED", None, 1, 1.0)
        for uid in ("a", "b", "c")
    ]
    ledger.add(jobs)
    ledger.ended("a", "DONE")
    ledger.ended("b", "FAILED", "device on fire")
    line = lines(qrec("list", "runs"))[folder.id]
    assert "0 of " in line
    assert line.endswith("waiting for 1 of 3 jobs, 1 jobs failed")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda run: (run / "spec.yaml").unlink(), "no such file"),
        (lambda run: (run / "spec.yaml").write_text("- a\n- b\n"), "expected a mapping"),
        (lambda run: (run / "spec.yaml").write_bytes(b"\xff\xfe"), "damaged"),
        (lambda run: (run / "record.json").write_text("{"), "not valid JSON"),
        (lambda run: (run / "record.json").write_text('{"schema_version": 99}'), "99"),
        (lambda run: (run / "rows.csv").write_text("recommender,rmse\nals,much\n"), "damaged"),
        (lambda run: (run / "rows.csv").write_bytes(b"\xff\xfe"), "damaged"),
    ],
    ids=["no spec", "list", "bytes", "half", "newer", "words", "no text"],
)
def test_damaged_run_is_a_line_and_stops_nothing(damage, said, qrec, runs, small_run):
    damaged = runs / "20200101T000000Z_broken_00000000"
    shutil.copytree(runs / small_run.id, damaged)
    damage(damaged)
    (runs / "2020-notes.txt").write_text("no run")
    found = lines(qrec("list", "runs"))
    assert set(found) == {damaged.name, small_run.id}
    assert "damaged: " in found[damaged.name]
    assert said in found[damaged.name]
    assert found[small_run.id].endswith("finished")
    [first, second] = json.loads(qrec("list", "runs", "--json"))["rows"]
    assert (first["run"], second["state"]) == (damaged.name, "finished")


def test_metrics_are_listed_as_they_are_written(qrec):
    out = qrec("list", "metrics")
    assert "ndcg@10" in out
    assert "rmse " in out


def test_explain_says_what_the_engine_would_do(qrec):
    out = qrec("explain", "swap_test", "--rows", "10", "--observable", "Z0")
    assert out.startswith("10 rows, 5 qubits")
    noisy = qrec("explain", "swap_test", "-b", "exact_noisy")
    assert noisy != out


def test_explain_knows_what_rows_share(qrec):
    assert " 8 of 24 parameters differ by row" in qrec("explain", "angle_net")
    every = qrec("explain", "angle_net", "--weights", "none")
    assert " 24 of 24 parameters differ by row" in every


def test_explain_needs_the_exact_engine(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["qrec", "explain", "swap_test", "-b", "aer_ideal"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "expected an entry of kind exact" in capsys.readouterr().err


@pytest.mark.usefixtures("runs_dir")
def test_suite_shows_the_data_sets_of_its_experiments(qrec, small_experiment):
    del small_experiment["schema_version"]
    suite = {
        "schema_version": 1,
        "kind": "suite",
        "name": "both",
        "title": "two in one",
        "experiments": [
            {"label": "one", **small_experiment},
            {"label": "two", **small_experiment, "seed": 4},
        ],
    }
    folder = begin(load(suite))
    line = lines(qrec("list", "runs"))[folder.id]
    assert line.split()[1:3] == ["both", "synthetic"]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(("column", "value"), [("shots", "1024"), ("scored_on", "train")])
def test_best_row_is_one_on_all_held_out_pairs(column, value, qrec, small_run):
    path = find_run(small_run.id).rows_path
    rows = list(csv.DictReader(path.read_text().splitlines()))
    rows[0] |= {"rmse": "0.01", column: value}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert " 0.0100 " not in lines(qrec("list", "runs"))[small_run.id]
