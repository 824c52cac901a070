"""Workers on one run: the outcomes of one process, bit for bit, whoever is killed on the way."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from qrec.errors import QrecError
from qrec.experiments.base import Places
from qrec.runner.load import load, restore
from qrec.runner.run import begin, take_part
from qrec.runner.steps import steps_of, steps_table
from qrec.runs.claims import Claims
from qrec.runs.folder import find_run
from qrec.runs.locks import only_worker
from qrec.runs.progress import silent

pytestmark = pytest.mark.usefixtures("runs_dir")

_TIMINGS = ("fit_seconds", "tune_seconds", "predict_seconds")

# One process imports everything once and forks the workers; the first of them is killed as soon
# as it is at a step and others are done.
_DRIVER = """
    import json, os, signal, sys, time
    from pathlib import Path
    import torch
    import qrec.experiments.comparison, qrec.backends.kinds.aer, qrec.recommenders.swap_test
    import qrec.backends.kinds.exact
    from qrec.experiments.base import Places
    from qrec.runner.load import load, restore
    from qrec.runner.run import begin, take_part
    from qrec.runs.claims import Claims
    from qrec.runs.progress import silent

    torch.set_num_threads(1)  # threads of the parent would not survive a fork
    folder = begin(load(json.loads(Path(sys.argv[1]).read_text())))
    pids = []
    for _ in range(3):
        pids.append(os.fork())
        if pids[-1] == 0:
            done = take_part(folder, restore(folder, Places()), silent)
            os._exit(7 if done is not None else 0)
    claims, outcomes = Claims(folder.path), folder.path / "outcomes"
    victim = pids[0]
    while not (len(list(outcomes.glob("[!.]*.npz"))) > 1
               and any(claim and claim.pid == victim for claim in claims.held().values())):
        time.sleep(0.001)
    os.kill(victim, signal.SIGKILL)
    ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    print(json.dumps([folder.id, *ends]))
"""


def contents(folder: Path) -> dict[str, dict[str, bytes | str]]:
    """Return what all steps found, bit for bit, but for how long it took."""
    found = {}
    for path in sorted((folder / "outcomes").glob("*.npz")):
        with np.load(path) as stored:
            arrays = {k: v.tobytes() for k, v in stored.items() if k != "rows"}
            rows = json.loads(str(stored["rows"]))
        for row in rows:
            row["fields"] = {k: v for k, v in row["fields"].items() if k not in _TIMINGS}
        found[path.stem] = arrays | {"rows": json.dumps(rows)}
    return found


def test_three_workers_one_killed_find_what_one_process_finds(tmp_path, small_experiment):
    small_experiment["repeats"] = 3
    small_experiment["recommenders"][1]["params"]["n_epochs"] = 200  # so that they meet
    (tmp_path / "experiment.json").write_text(json.dumps(small_experiment))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_DRIVER), str(tmp_path / "experiment.json")],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    run, killed, *others = json.loads(done.stdout)
    assert (killed, sorted(others)) == (-9, [0, 7]), "one of the others came last"
    folder = find_run(run)
    assert folder.finished
    assert (folder.path / "report.html").is_file()
    assert not list(folder.path.rglob(".unfinished-*"))
    assert not (folder.path / "claims").exists()

    serial = begin(load(small_experiment))
    assert take_part(serial, restore(serial, Places()), silent) is not None
    expected = contents(serial.path)
    assert len(expected) == 21
    assert contents(folder.path) == expected


def test_status_says_who_is_at_which_step(small_experiment):
    folder = begin(load(small_experiment))
    small = restore(folder, Places())
    with Claims(folder.path).take("als.r0.fit") as claim:
        rows = steps_of(folder.id)
    [mine] = [row for row in rows if row.state == "claimed"]
    assert (mine.step, mine.host, mine.pid) == ("als.r0.fit", claim.host, os.getpid())
    assert mine.as_dict()["since"] == claim.since.isoformat()
    assert [row.state for row in rows].count("waiting") == 6
    table = steps_table(rows)
    assert table.title == "7 steps: 1 claimed, 6 waiting"
    assert f"{os.getpid()} on {claim.host}" in str(table.rows)

    take_part(folder, small, silent)
    assert {row.state for row in steps_of(folder.id)} == {"done"}


def test_a_worker_that_joins_a_finished_run_leaves_it_as_it_is(small_experiment):
    folder = begin(load(small_experiment))
    assert take_part(folder, restore(folder, Places()), silent) is not None
    before = folder.rows_path.stat().st_mtime_ns
    assert take_part(folder, restore(folder, Places()), silent) is None
    assert folder.rows_path.stat().st_mtime_ns == before


def test_every_worker_says_what_could_not_be_done_and_tries_it_once(small_experiment, monkeypatch):
    tried = []

    def fails(*args):
        tried.append(args)
        raise MemoryError

    monkeypatch.setattr("qrec.recommenders.global_mean.GlobalMean._fit", fails)
    folder = begin(load(small_experiment))
    done = take_part(folder, restore(folder, Places()), silent)
    with pytest.raises(QrecError, match=r"mean\.r0\.fit: MemoryError, and 1 more"):
        done.check_whole()
    with pytest.raises(QrecError, match=r"mean\.r0\.fit: MemoryError, and 1 more"):
        take_part(folder, restore(folder, Places()), silent)
    assert len(tried) == 1
    failed = [row for row in steps_of(folder.id) if row.state == "failed"]
    assert [row.step for row in failed] == ["mean.r0.fit", "mean.classical.r0"]
    assert failed[0].problem == "MemoryError"


def test_who_submits_or_replays_keeps_workers_out(small_experiment):
    folder = begin(load(small_experiment))
    with only_worker(folder):
        process = subprocess.Popen(
            [sys.executable, "-c", "import sys; from pathlib import Path\n"
             "from qrec.runs.locks import one_worker; from qrec.runs.folder import RunFolder\n"
             "print(flush=True)\n"
             "with one_worker(RunFolder(Path(sys.argv[1]))): pass", str(folder.path)],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
    assert process.wait() == 0
