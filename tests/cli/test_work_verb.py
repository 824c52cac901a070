"""Runs that are begun for workers, and what the command line says of what could not be done."""

import json
import os

import pytest
import yaml

from qrec.runs.claims import Claims
from qrec.runs.folder import find_run

pytestmark = pytest.mark.usefixtures("runs_dir")


@pytest.fixture
def experiment(tmp_path, small_experiment):
    del small_experiment["recommenders"][2]
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(small_experiment))
    return path


def test_a_run_is_begun_worked_on_and_finished(qrec, experiment):
    status, out, _ = qrec("run", experiment, "--begin")
    run = out.strip()
    assert (status, find_run(run).id, find_run(run).finished) == (0, run, False)
    with Claims(find_run(run).path).take("als.r0.fit"):
        status, out, _ = qrec("status", run, "--json")
    assert status == 0
    [mine] = [step for step in json.loads(out)["steps"] if step["state"] == "claimed"]
    assert (mine["step"], mine["pid"]) == ("als.r0.fit", os.getpid())
    status, out, err = qrec("work", run)
    assert status == 0
    assert "als" in out
    assert "report.html" in err
    status, out, err = qrec("work", run)
    assert (status, out) == (0, "")
    assert f"qrec show {run}" in err
    status, out, _ = qrec("status", run)
    assert "4 steps: 4 done" in out


def test_what_could_not_be_done_is_exit_status_one(qrec, experiment):
    begun = json.loads(qrec("run", experiment, "--begin", "--json")[1])["run"]
    ends = [
        qrec("run", experiment, "--set", "split.ratios=[0.7, 0.0, 0.3]", "--json"),
        qrec("run", "--resume", "latest", "--json"),
        qrec("work", "latest"),
    ]
    for status, _, err in ends:
        assert status == 1
        said = [line for line in err.splitlines() if line.startswith("qrec: ")]
        assert len(said) == 1
        assert "als.r0.fit: recommenders.als: a grid is chosen" in said[0]
    for _, out, _ in ends[:2]:
        rows = json.loads(out)["rows"]
        assert [row.get("recommender", row.get("step")) for row in rows] == [
            "mean", "als.r0.fit", "als.classical.r0",
        ]  # fmt: skip
    status, out, _ = qrec("show", "latest")
    assert status == 0
    assert "what could not be done" in out
    assert find_run("latest").id != begun


@pytest.mark.parametrize("option", ["--begin", "--dry-run"])
def test_resume_takes_no_option_of_a_new_run(qrec, option):
    status, _, err = qrec("run", "--resume", "latest", option)
    assert status == 2
    assert "--begin beside it" in err
