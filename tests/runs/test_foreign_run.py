"""A run folder that somebody else wrote, or a disk damaged: one line, and nothing beyond it."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from qrec.cli import main
from qrec.config import ExperimentSpec
from qrec.errors import ConfigError
from qrec.runner.load import restore
from qrec.runs.files import TEMPORARY, read_json
from qrec.runs.folder import create_run, find_run, runs_dir
from qrec.runs.ledger import Ledger

READING = (["show"], ["report"], ["compare"], ["replay"])


@pytest.fixture
def qrec(capsys, monkeypatch):
    """Return a function that runs a command and gives exit status, stdout and stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["qrec", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def run(small_run, runs_dir):
    """Return the folder of a finished run, a copy to be changed at will."""
    shutil.copytree(small_run.folder.path, runs_dir / small_run.id)
    return runs_dir / small_run.id


def rewritten(path, **arrays):
    """Change arrays of an NPZ file; None takes one out."""
    with np.load(path) as stored:
        content = {k: v for k, v in (dict(stored) | arrays).items() if v is not None}
    np.savez(path, **content)


def edited(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def unfinish(run):
    """Take a run back to before the steps that ask."""
    (run / "rows.csv").unlink()
    for path in run.glob("outcomes/swap.*.r0.npz"):
        path.unlink()


def one_line(found, *said):
    """Check that a command ended with a line that says all of this, and with nothing else."""
    status, out, err = found
    assert status in (1, 2), err
    assert not out
    [line] = [line for line in err.splitlines() if line.startswith("qrec: ")]
    assert all(text in line for text in said), line
    assert "unforeseen" not in err


@pytest.mark.parametrize("verb", READING, ids=" ".join)
@pytest.mark.parametrize("name", ["spec.yaml", "outcomes", "figures", "models/als.r0.fit"])
def test_no_link_out_of_the_folder_is_followed(name, verb, qrec, run, tmp_path):
    outside = tmp_path / "outside"
    (run / name).rename(outside)
    (run / name).symlink_to(outside)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    one_line(qrec(*verb, run.name), name, "outside", "leads out of")
    assert sorted(p.name for p in tmp_path.rglob("*")) == before
    assert "damaged" in qrec("list", "runs")[1]


def test_pipe_is_not_waited_for(qrec, run):
    (run / "record.json").unlink()
    os.mkfifo(run / "record.json")
    one_line(qrec("show", run.name), "record.json", "plain file")
    assert "damaged" in qrec("list", "runs")[1]


def test_link_within_the_folder_is_a_file(qrec, run):
    (run / "spec.yaml").rename(run / "other.yaml")
    (run / "spec.yaml").symlink_to("other.yaml")
    assert qrec("show", run.name)[0] == 0


@pytest.mark.parametrize("verb", [*READING, ["run", "--resume"]], ids=" ".join)
def test_no_pickle_is_read(verb, qrec, run, tmp_path):
    class Pickled:
        def __reduce__(self):
            return Path.touch, (tmp_path / "it-ran",)

    evil = np.array([Pickled()], dtype=object)
    rewritten(run / "outcomes" / "als.classical.r0.npz", truth=evil)
    one_line(qrec(*verb, run.name), "als.classical.r0.npz", "NPZ")
    shutil.copy(run / "outcomes" / "als.classical.r0.npz", run / "raw" / "swap.aer_ideal.r0/0.npz")
    one_line(qrec("replay", run.name), "npz")
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.update(details={}), "details.backends: found []"),
        (lambda r: r["details"].update(backends=[]), "details: backends"),
        (lambda r: r["details"]["backends"]["exact"].update(spec=3), "backends.exact.spec"),
        (lambda r: r["details"]["backends"]["exact"]["spec"].pop("kind"), "spec.kind"),
        (lambda r: r["details"].pop("dataset"), "details.dataset"),
        (lambda r: r["details"]["dataset"].update(sha256=3), "dataset.sha256"),
        (lambda r: r["details"]["dataset"].update(name="ml-100k"), "'synthetic'"),
        (lambda r: r.update(schema_version=3), "schema_version: found 3; this qrec reads 2"),
        (lambda r: r.update(created=3), "created: found 3, expected a time"),
        (lambda r: r["details"].update(n_steps=True), "n_steps: found True"),
    ],
)
def test_record_that_is_none_is_one_line(change, said, qrec, run):
    edited(run / "record.json", change)
    one_line(qrec("show", run.name), "record.json", said)


@pytest.mark.parametrize("content", ["[1, 2]", "null", '"text"'])
def test_record_that_is_no_mapping_is_one_line(content, qrec, run):
    (run / "record.json").write_text(content)
    one_line(qrec("show", run.name), "record.json: expected a mapping")


@pytest.mark.parametrize("file", ["../../secret.json", "/etc/secret.json", "snapshots/../x.json"])
def test_record_names_no_file_elsewhere(file, qrec, run):
    device = {"name": "d", "date": "2026", "sha256": 64 * "0", "file": file}
    edited(run / "record.json", lambda r: r["details"]["backends"]["exact"].update(snapshot=device))
    one_line(qrec("show", run.name), "record.json", "snapshot.file")


@pytest.mark.parametrize("source", ["live:ibm_fez", "file:/etc/hostname"])
def test_device_that_the_folder_does_not_hold_is_not_looked_up(source, qrec, run):
    edited(
        run / "record.json",
        lambda r: r["details"]["backends"]["exact"]["spec"].update(snapshot=source),
    )
    one_line(qrec("show", run.name), "record.json", "names a snapshot, but the record has none")


def test_stored_suite_reads_no_other_file(qrec, run):
    member = {"label": "a", "experiment": "/tmp/other.yaml"}
    suite = {"schema_version": 1, "kind": "suite", "name": "s", "title": "t"}
    (run / "spec.yaml").write_text(yaml.safe_dump(suite | {"experiments": [member]}))
    one_line(qrec("show", run.name), "spec.yaml", "reads no other file")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"truth": None}, "expected ['item', 'prediction', 'truth', 'user']"),
        ({"extra": np.ones(2)}, "found arrays ['extra'"),
        ({"truth": np.ones(3)}, "found"),
        ({"user": np.ones(300)}, "user: found float64"),
        ({"user": np.full(300, -1)}, "found code -1"),
        ({"prediction": np.ones(300, bool)}, "prediction: found bool"),
        ({"truth": np.full(300, np.nan)}, "expected finite"),
        ({"rows": np.array("[]")}, "found rows: none; expected one PredictionRow"),
        ({"rows": np.array("{")}, "not the outcome of a step"),
        ({"rows": np.array('[{"type": "FitRow", "fields": 3}]')}, "not the outcome of a step"),
    ],
)
def test_outcome_that_is_none_is_one_line(arrays, said, qrec, run):
    rewritten(run / "outcomes" / "als.classical.r0.npz", **arrays)
    one_line(qrec("show", run.name), "als.classical.r0.npz", said)


def test_rows_are_not_converted(qrec, run):
    path = run / "outcomes" / "als.r0.fit.npz"
    with np.load(path) as stored:
        [row] = json.loads(str(stored["rows"]))
    for field, odd in (("fit_seconds", "1.5"), ("repeat", True), ("repeat", "0")):
        changed = {"type": "FitRow", "fields": row["fields"] | {field: odd}}
        rewritten(path, rows=np.array(json.dumps([changed])))
        one_line(qrec("show", run.name), "als.r0.fit.npz", field)


def test_costs_that_are_none_are_one_line(qrec, run):
    [path, *_] = sorted(run.glob("circuits/*/*.json"))
    for odd in ("3", '{"isa": 3}', '{"isa": {"qubits": "2"}}', '{"else": {}}'):
        path.write_text(odd)
        one_line(qrec("show", run.name), path.name)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"asked": np.array("{}")}, "not a question and its answer"),
        ({"parameters.0": None}, "not a question and its answer"),
        ({"parameters.0": np.array(["x"])}, "parameters of circuit 0"),
        ({"raw.0.bits": None}, "answers to 0 circuits"),
        ({"raw.0.bits": None, "raw.0.byts": np.ones(3)}, "expected value and stderr or bits"),
        ({"raw.0.bits": np.ones((40, 1024, 1))}, "bits: found float64"),
        ({"raw.0.bits": np.ones((39, 1024, 1), np.uint8)}, "no answer to 40 evaluations"),
        ({"raw.0.bits": np.ones((40, 1024, 1), np.uint16)}, "not the answer to what is asked"),
        ({"raw.odd": np.ones(3)}, "not a question and its answer"),
    ],
)
def test_answer_that_is_none_is_one_line_and_nothing_is_deleted(arrays, said, qrec, run):
    rewritten(run / "raw" / "swap.aer_ideal.r0" / "0.npz", **arrays)
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file() and p.name != "lock"}
    one_line(qrec("replay", run.name), "0.npz", said)
    left = {p: p.read_bytes() for p in run.rglob("*") if p.is_file() and TEMPORARY not in str(p)}
    assert {p: left.get(p) for p in before} == before
    assert qrec("show", run.name)[0] == 0


def test_replay_without_raw_results_deletes_nothing(qrec, run):
    (run / "raw" / "swap.aer_ideal.r0" / "0.npz").rename(run / "moved.npz")
    before = sorted(p for p in run.rglob("*") if p.is_file() and p.name != "lock")
    qrec("replay", run.name)
    assert set(before) <= set(run.rglob("*"))


@pytest.mark.parametrize("damage", ["changed", "removed", "added"])
def test_model_is_the_one_that_its_step_left(damage, qrec, run):
    unfinish(run)
    folder = run / "models" / "swap.r0.fit"
    if damage == "changed":
        edited(folder / "fitted.base_" / "model.json", lambda m: m["fitted"].update(mean_=2.5))
    elif damage == "removed":
        shutil.rmtree(folder)
    else:
        (folder / "more").write_text("")
    one_line(qrec("run", "--resume", run.name), str(folder))


def test_unreadable_brackets_are_one_line(tmp_path):
    path = tmp_path / "deep.json"
    for odd in ("[" * 100_000, '{"a": NaN}', "\ud800".encode("utf-16", "surrogatepass")):
        path.write_bytes(odd if isinstance(odd, bytes) else odd.encode())
        with pytest.raises(ConfigError, match="not valid JSON"):
            read_json(path)


def test_run_is_shown_where_its_data_set_is_not(run, monkeypatch):
    """What the record says of the ratings is enough to head a table."""

    def gone(*_, **__):
        raise AssertionError

    monkeypatch.setattr("qrec.experiments.observed.load_ratings", gone)
    experiment = restore(find_run(run))
    assert experiment.described["n_ratings"] == 1500


SPEC = ExperimentSpec(schema_version=1, kind="k", name="name", title="title", seed=1)
GONE = 2**22 + 1  # no process has a number above Linux's most


@pytest.mark.usefixtures("runs_dir")
def test_what_a_killed_process_left_among_the_runs_is_removed():
    create_run(SPEC, {})
    names = {n: f"{TEMPORARY}{n}-x" for n in (GONE, os.getpid(), "submission")}
    fresh = runs_dir() / f"{TEMPORARY}{GONE}-fresh"
    for path in (*(runs_dir() / name for name in names.values()), fresh):
        path.mkdir()
        (path / "half").write_text("")
        if path != fresh:
            os.utime(path, (time.time() - 3600,) * 2)
    create_run(SPEC, {})
    left = {path.name for path in runs_dir().glob(f"{TEMPORARY}*")}
    assert left == {names[os.getpid()], names["submission"], fresh.name}


@pytest.mark.usefixtures("runs_dir")
def test_failed_begin_leaves_nothing(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("qrec.runs.folder.write_json", full)
    with pytest.raises(OSError, match="No space"):
        create_run(SPEC, {})
    assert not list(runs_dir().iterdir())


@pytest.mark.parametrize("content", [b"garbage, no database", b"SQLite format 3\0" + bytes(99)])
def test_runs_are_listed_whatever_the_ledger_is(content, qrec, run):
    (run / "rows.csv").unlink()
    (run.parent / "ledger.sqlite").write_bytes(content)
    status, out, _ = qrec("list", "runs")
    assert status == 0
    assert "its jobs are not known" in out
    assert "ledger.sqlite" in out
    one_line(qrec("status"), "ledger.sqlite")


@pytest.mark.usefixtures("runs_dir")
def test_listing_runs_writes_nothing(qrec):
    assert qrec("list", "runs")[0] == 0
    assert not runs_dir().exists()


@pytest.mark.usefixtures("runs_dir")
def test_job_that_the_ledger_does_not_know_is_one_line():
    with pytest.raises(ConfigError, match=r"ledger\.sqlite: no job 'a'"):
        Ledger().job("a")


@pytest.mark.parametrize(
    "job",
    [
        {"uid": "../../x"}, {"parts": 3}, {"parts": [{}]}, {"executions": "3"}, {"odd": 1},
        {"parts": [{"step": "../x", "question": 0, "circuit": 0, "start": 0, "stop": 1}]},
    ],
)  # fmt: skip
def test_jobs_that_are_none_are_one_line(job, qrec, run):
    whole = {"uid": "a", "backend": "aer_ideal", "entry": "aer_ideal", "parts": [],
             "executions": 1, "qpu_seconds": 0.0}  # fmt: skip
    (run / "jobs").mkdir()
    (run / "jobs" / "0000.json").write_text(json.dumps([whole | job]))
    one_line(qrec("replay", run.name), "0000.json")
