"""Whatever a file holds, a command gives its result or one line: never what nobody foresaw."""

import contextlib
import io
import sys
from copy import deepcopy

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mutations import changed, damage, damage_ledger, fresh_copy
from small_experiment import SMALL_EXPERIMENT

from qrec.cli import main
from qrec.data import load_ratings
from qrec.errors import QrecError
from qrec.experiments.base import Places
from qrec.runner.fetch import fetch
from qrec.runner.load import load
from qrec.runner.submit import submit
from qrec.runs.progress import silent

SPEC = SMALL_EXPERIMENT | {"n_pairs": 4, "recommenders": SMALL_EXPERIMENT["recommenders"][1:]}
FILES = ("spec.yaml", "record.json", "outcomes/*", "raw/*/*", "raw/jobs/*", "jobs/*",
         "circuits/*/*", "models/*/*", "rows.csv")  # fmt: skip
READING = (["show"], ["compare"], ["report"], ["replay"], ["run", "--resume"])
ASKING = (["status"], ["fetch"], ["list", "runs"], ["submit", "--resume", "--yes"])
# An example takes a second: what failed is shown as it was drawn, and the few are always the same.
DRAWN = settings(suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
FEW = settings(DRAWN, max_examples=25, derandomize=True)
MANY = settings(DRAWN, max_examples=3000)


def call(*arguments):
    """Return the exit status, stdout and stderr of a command."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["qrec", *map(str, arguments)])
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main()
    return end.value.code or 0, out.getvalue(), err.getvalue()


def check(*arguments):
    """Run a command, which is to end as whoever wrote it foresaw; return its exit status."""
    status, _, err = call(*arguments)
    assert "unforeseen" not in err, err
    assert "Traceback" not in err, err
    assert status in (0, 1, 2, 3, 4)
    assert (status == 0) == ("qrec: " not in err), err
    return status


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Return a folder of runs: one finished by jobs, one whose jobs nobody fetched."""
    folder = tmp_path_factory.mktemp("originals")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(folder))
        done = submit(load(SPEC), lambda _: None, None, silent).work.folder
        fetch(done.id, Places(), silent)
        submit(load(SPEC | {"name": "half"}), lambda _: None, None, silent)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("copies") / "runs"


def try_run(data, originals, place, name, commands):
    """Damage a file of a run and give it to a command."""
    runs = fresh_copy(originals, place)
    [run] = runs.glob(f"*_{name}_*")
    files = [path for pattern in FILES for path in sorted(run.glob(pattern)) if path.is_file()]
    path = data.draw(st.sampled_from(files))
    command = data.draw(st.sampled_from(commands))
    if "--resume" in command or command == ["fetch"]:
        (run / "rows.csv").unlink(missing_ok=True)
        for outcome in run.glob("outcomes/swap*r0.npz"):
            if outcome != path:
                outcome.unlink()
    if path.exists():
        data.draw(st.composite(damage)(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(runs))
        check(*command, *([] if command == ["list", "runs"] else [run.name]))


def try_ledger(data, originals, place):
    runs = fresh_copy(originals, place)
    how = data.draw(st.sampled_from([damage, damage_ledger, damage_ledger, damage_ledger]))
    data.draw(st.composite(how)(runs / "ledger.sqlite"))
    command = data.draw(st.sampled_from(ASKING))
    [run] = runs.glob("*_half_*")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(runs))
        check(*command, *([] if command == ["list", "runs"] else [run.name]))


def try_experiment(data, folder):
    path = folder / "odd.yaml"
    path.write_text(yaml.safe_dump(data.draw(st.composite(changed)(deepcopy(SPEC)))))
    check("run", path, "--dry-run")


def try_backends(data, folder):
    entries = {
        "mine": {"kind": "aer", "shots": 10, "seed_simulator": 1, "optimization_level": 1,
                 "seed_transpiler": 2, "snapshot": "fake:FakeFez"},
        "exactly": {"kind": "exact", "shots": 4, "seed_simulator": 1},
    }  # fmt: skip
    content = data.draw(st.composite(changed)({"schema_version": 1, "backends": entries}))
    path = folder / "backends.yaml"
    path.write_text(yaml.safe_dump(content))
    check("list", "backends", "--backends", path)


def try_csv(data, folder):
    rows = ["user,item,rating", "ann,Vertigo,5", "bob,Vertigo,3", "ann,Alien,1", "7,Alien,4"]
    text = bytearray("\n".join(rows).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        odd = data.draw(
            st.sampled_from([b",", b"\n", b'"', b"\0", b"\xff", b"nan", b"-", b"1e400"])
        )
        text[at : at + data.draw(st.integers(0, 3))] = odd
    path = folder / "ratings.csv"
    path.write_bytes(text)
    with contextlib.suppress(QrecError):
        found = load_ratings("csv", path=path)
        assert ((found.value >= 1) & (found.value <= 5)).all()


@FEW
@given(data=st.data())
def test_few_damaged_runs(data, originals, place):
    try_run(data, originals, place, "small", READING)


@FEW
@given(data=st.data())
def test_few_damaged_submissions(data, originals, place):
    try_run(data, originals, place, "half", ASKING)


@FEW
@given(data=st.data())
def test_few_damaged_ledgers(data, originals, place):
    try_ledger(data, originals, place)


@FEW
@given(data=st.data())
def test_few_odd_experiments(data, tmp_path):
    try_experiment(data, tmp_path)


@FEW
@given(data=st.data())
def test_few_odd_backends(data, tmp_path):
    try_backends(data, tmp_path)


@settings(FEW, max_examples=200)
@given(data=st.data())
def test_odd_ratings(data, tmp_path):
    try_csv(data, tmp_path)


@pytest.mark.slow
@MANY
@given(data=st.data())
def test_damaged_runs(data, originals, place):
    try_run(data, originals, place, *data.draw(st.sampled_from(
        [("small", READING), ("half", ASKING)])))  # fmt: skip


@pytest.mark.slow
@MANY
@given(data=st.data())
def test_damaged_ledgers(data, originals, place):
    try_ledger(data, originals, place)


@pytest.mark.slow
@MANY
@given(data=st.data())
def test_odd_yaml(data, tmp_path):
    data.draw(st.sampled_from([try_experiment, try_backends]))(data, tmp_path)
