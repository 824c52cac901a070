"""Steps over processes: the numbers of one process, whatever happens to the workers."""

import os
import signal
import threading
import time
from types import SimpleNamespace

import psutil
import pytest
import yaml

from qrec.errors import ConfigError, QrecError
from qrec.runner import executors
from qrec.runner.run import resume, run
from qrec.runs.folder import find_run, run_ids

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


@pytest.mark.usefixtures("runs_dir")
def test_what_a_step_raises_is_said_and_the_rest_is_kept(small_experiment):
    small_experiment["split"]["ratios"] = [0.7, 0.0, 0.3]
    with pytest.raises(ConfigError, match="als: a grid is chosen on the validation part"):
        run(small_experiment, jobs=2)
    folder = find_run("latest")
    assert not folder.finished
    with pytest.raises(ConfigError, match="als: a grid"):
        resume(folder.id, jobs=2)
    assert (folder.path / "outcomes" / "mean.r0.fit.npz").is_file()


@pytest.mark.usefixtures("runs_dir")
def test_a_step_that_kills_its_process_again_and_again_is_given_up(tmp_path, small_experiment):
    (tmp_path / "deadly.py").write_text(
        "import os\n"
        "from qrec.recommenders import Recommender\n"
        "class Deadly(Recommender):\n"
        "    def _fit(self, ratings, validation):\n"
        "        os._exit(9)\n"
        "    def _predict(self, users, items): ...\n"
    )
    small_experiment["recommenders"] = [{"label": "dies", "recommender": "deadly:Deadly"}]
    path = tmp_path / "deadly.yaml"
    path.write_text(yaml.safe_dump(small_experiment))
    with pytest.raises(QrecError, match=r"step dies\.r0\.fit: its process died 3 times"):
        run(path, jobs=2)


def test_a_worker_that_died_before_it_read_its_step_is_replaced(monkeypatch):
    class Reset:
        def poll(self):
            return True

        def recv(self):
            raise ConnectionResetError

    dead = SimpleNamespace(line=Reset(), step="a", process=SimpleNamespace(is_alive=bool))
    other = object()
    monkeypatch.setattr(executors, "_begin", lambda _: other)
    pool, deaths = [dead], {}
    assert executors._heard(dead, deaths, None, pool) is None
    assert (pool, deaths) == ([other], {"a": 1})
