"""A run that is killed at any moment ends, resumed, with the numbers of one that was not."""

import csv
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

_TIMINGS = ("fit_seconds", "predict_seconds")

# One process imports everything once and forks: a child that kills itself with SIGKILL at the
# n-th time a file is being made safe on disk, then a child that resumes.
_DRIVER = """
    import json, os, signal, sys
    from pathlib import Path
    from qrec.runner.run import resume, run
    import qrec.experiments.comparison, qrec.backends.kinds.aer, qrec.recommenders.swap_test
    import qrec.backends.kinds.exact, torch
    from qrec.runs import files

    torch.set_num_threads(1)  # threads of the parent would not survive a fork
    experiment = json.loads(Path(sys.argv[1]).read_text())

    def child(work):
        pid = os.fork()
        if pid == 0:
            work()
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def killed_run(moment):
        count, sync = 0, files._sync
        def counting(path):
            nonlocal count
            count += 1
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            sync(path)
        files._sync = counting
        run(experiment)

    for moment in map(int, sys.argv[2:]):
        base = Path(os.environ["BASE"]) / str(moment)
        os.environ["QREC_RUNS_DIR"] = str(base)
        first = child(lambda: killed_run(moment))
        runs = list(base.glob("[0-9]*"))
        second = child(lambda: resume("latest")) if runs else None
        print(json.dumps([moment, first, second]), flush=True)
"""


def results(folder: Path) -> list[dict[str, str]]:
    with (folder / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k not in _TIMINGS} for row in rows]


def drive(tmp_path, experiment, moments):
    (tmp_path / "experiment.json").write_text(json.dumps(experiment))
    command = [sys.executable, "-c", textwrap.dedent(_DRIVER), str(tmp_path / "experiment.json")]
    done = subprocess.run(
        [*command, *map(str, moments)],
        env=os.environ | {"BASE": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "moments",
    [[1, 3, 5, 9, 14, 19, 23], pytest.param(range(1, 40), marks=pytest.mark.slow)],
    ids=["some", "all"],
)
def test_killed_run_resumes_to_the_same_numbers(tmp_path, small_experiment, small_run, moments):
    expected = results(small_run.folder.path)
    resumed = 0
    for moment, first, second in drive(tmp_path, small_experiment, moments):
        assert first in (-9, 0), f"moment {moment}"
        [*folders] = (tmp_path / str(moment)).glob("[0-9]*")
        if not folders:  # killed before the run existed: there is nothing to resume
            continue
        assert second == 0, f"moment {moment}: the resumed run failed"
        resumed += first == -9
        assert results(folders[0]) == expected, f"moment {moment}"
        assert (folders[0] / "report.html").is_file()
        assert not list(folders[0].rglob(".unfinished-*")), f"moment {moment}"
    assert resumed >= 4, "most of these moments lie within the run"
