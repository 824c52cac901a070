"""Steps over processes: the numbers of one process, whatever happens to the workers."""

import errno
import json
import os
import signal
import threading
import time

import psutil
import pytest
import yaml

from qrec.errors import QrecError
from qrec.experiments.base import Places
from qrec.runner import executors
from qrec.runner.compare import compare_runs
from qrec.runner.run import resume, run
from qrec.runs.claims import Claims
from qrec.runs.folder import find_run, run_ids
from qrec.runs.progress import silent
from qrec.runs.summary import summaries

TIMINGS = ("fit_seconds", "predict_seconds")


def numbers(done):
    return [{k: v for k, v in row.items() if k not in TIMINGS} for row in done.rows]


@pytest.mark.usefixtures("runs_dir")
def test_two_processes_give_the_numbers_of_one(small_experiment, small_run):
    assert numbers(run(small_experiment, jobs=2)) == numbers(small_run)


@pytest.mark.usefixtures("runs_dir")
def test_the_step_of_a_killed_worker_is_done_again(small_experiment, small_run):
    killed = []

    def kill_one():
        while not killed:
            for child in psutil.Process().children():
                done = run_ids() and list((find_run("latest").path / "outcomes").glob("*.npz"))
                if done and child.name().startswith("python") and child.cpu_times().user > 0.5:
                    os.kill(child.pid, signal.SIGKILL)
                    killed.append(child.pid)
                    return
            time.sleep(0.01)

    small_experiment["repeats"] = 2
    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    done = run(small_experiment, jobs=2)
    assert killed
    rows = [row for row in numbers(done) if row["repeat"] == 0]
    assert rows == numbers(small_run)


@pytest.fixture
def own_code(tmp_path, small_experiment):
    """Return a function that writes the experiment with a recommender of one's own beside it."""

    def write(body, *others):
        own = "import os, time\nfrom pathlib import Path\nfrom qrec.recommenders.als import ALS\n"
        own += f"FLAG = Path({str(tmp_path / 'flag')!r})\n"
        own += "class Own(ALS):\n    def _fit(self, ratings, validation):\n"
        own += f"        {body}\n        super()._fit(ratings, validation)\n"
        (tmp_path / "own.py").write_text(own)
        mean = small_experiment["recommenders"][0]
        entry = {"label": "own", "recommender": "own:Own", "params": {"n_factors": 2}}
        small_experiment["recommenders"] = [mean, entry, *others]
        path = tmp_path / "own.yaml"
        path.write_text(yaml.safe_dump(small_experiment))
        return path

    return write


SWAP = {"label": "swap", "recommender": "swap_test", "params": {"base": "@own"}}
FAILS = "if FLAG.exists(): raise MemoryError('Unable to allocate 47.7 GiB')"


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.usefixtures("runs_dir")
def test_a_row_that_cannot_be_done_says_so_and_is_tried_again(jobs, tmp_path, own_code):
    path = own_code(FAILS, SWAP)
    (tmp_path / "flag").write_text("")
    done = run(path, jobs=jobs)
    assert [row.get("recommender") for row in done.rows] == ["mean", None, None, None, None]
    problem = "MemoryError: Unable to allocate 47.7 GiB"
    needs = "needs {}, which could not be done"
    assert {row["step"]: row["problem"] for row in done.rows[1:]} == {
        "own.r0.fit": problem,
        "own.classical.r0": needs.format("own.r0.fit"),
        "swap.r0.fit": needs.format("own.r0.fit"),
        "swap.exact.r0": needs.format("swap.r0.fit"),
    }
    for text in (
        done.table(),
        (done.folder.path / "rows.csv").read_text(),
        (done.folder.path / "report.html").read_text(),
    ):
        assert problem in " ".join(text.split())
    with pytest.raises(
        QrecError, match=rf"own\.r0\.fit: {problem}, and 3 more.*--resume {done.id}"
    ):
        done.check_whole()
    details = json.loads((done.folder.path / "outcomes" / "own.r0.fit.failed.json").read_text())
    assert "raise MemoryError" in details["details"]
    assert summaries()[0].state == "finished, 1 steps could not be done"
    [compared] = compare_runs([done.id]).rows
    assert compared.recommender == "mean", "what there is can be compared"

    again = resume(done.id, jobs=jobs)
    assert len(again.rows) == 5, "it was tried, and failed again"
    (tmp_path / "flag").unlink()
    again = resume(done.id, jobs=jobs)
    assert [row["recommender"] for row in again.rows] == ["mean", "own", "swap"]
    again.check_whole()
    assert summaries()[0].state == "finished"


@pytest.mark.usefixtures("runs_dir")
def test_where_nothing_can_be_shown_the_reason_is_raised(small_experiment):
    small_experiment["split"]["ratios"] = [0.7, 0.0, 0.3]
    del small_experiment["recommenders"][0]
    with pytest.raises(QrecError, match=r"als\.r0\.fit: .*als: a grid is chosen on the validation"):
        run(small_experiment)
    assert not find_run("latest").finished


@pytest.mark.usefixtures("runs_dir")
def test_a_disk_that_is_full_ends_the_run(small_experiment, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("qrec.runs.outcomes.write_arrays", full)
    with pytest.raises(OSError, match="No space"):
        run(small_experiment)
    assert not list(find_run("latest").path.rglob("*.failed.json"))


@pytest.mark.usefixtures("runs_dir")
def test_a_step_that_kills_its_process_again_and_again_is_given_up(own_code):
    done = run(own_code("os._exit(9)"), jobs=2)
    assert done.rows[0]["recommender"] == "mean"
    assert done.rows[1]["problem"] == "its process died 3 times: out of memory?"


def when(true, then):
    """Do something in a thread as soon as something is true."""

    def wait():
        while not (found := true()):
            time.sleep(0.02)
        then(found)

    threading.Thread(target=wait, daemon=True).start()


@pytest.mark.usefixtures("runs_dir")
def test_a_worker_that_is_killed_while_it_has_nothing_to_do_is_no_loss(tmp_path, own_code):
    path = own_code("while not FLAG.exists(): time.sleep(0.02)")

    def idle():
        """Return a process that waits for the one whose step is left."""
        claims = Claims(find_run("latest").path).held() if run_ids() else {}
        if claims.keys() != {"own.r0.fit"} or len(outcomes()) < 2:
            return None
        workers = [p for p in psutil.Process().children() if p.cpu_times().user > 0.5]
        others = [p for p in workers if p.pid != claims["own.r0.fit"].pid]
        return others[0] if len(workers) == 2 else None

    def outcomes():
        return list((find_run("latest").path / "outcomes").glob("*.npz"))

    def kill(process):
        process.kill()
        time.sleep(0.5)  # it is found out
        (tmp_path / "flag").write_text("")

    when(idle, kill)
    done = run(path, jobs=2)
    assert [row["recommender"] for row in done.rows] == ["mean", "own"]


def _hold(line, path, _):
    def work():
        with Claims(path).take("step"):
            time.sleep(60)

    executors.serve_until_done(line, work)


def test_processes_that_are_told_to_end_give_up_their_claims(tmp_path):
    """As at the end of a batch system's time: it is no death of theirs."""
    claims = Claims(tmp_path)

    def left():
        if claims.held().get("step"):
            raise KeyboardInterrupt
        return 1

    work = executors.Shared(tmp_path, Places(), 1, left, str, "run a", "qrec run --resume a")
    with pytest.raises(KeyboardInterrupt):
        executors.share(work, _hold, 2, silent)
    assert not list((tmp_path / "claims").iterdir())
