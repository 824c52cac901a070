"""`kill -9` at any moment of a submission, then the same command: exactly the jobs needed."""

import json
import os
import subprocess
import sys
import textwrap
from collections import Counter

import pytest

# One process imports everything once and forks: a child that kills itself with SIGKILL at the
# n-th time a file or the ledger is made safe on disk, a child that submits, and those that fetch.
_DRIVER = """
    import json, os, signal, sys
    from qrec.cli import main
    import qrec.runner.submit, qrec.runner.fetch, qrec.backends.ibm.service
    import qrec.runner.run, qrec.recommenders.swap_test, qrec.experiments.comparison, torch
    from qrec.runner import jobs
    from qrec.runs import files
    from qrec.runs.ledger import Ledger

    torch.set_num_threads(1)  # threads of the parent would not survive a fork
    jobs.sleep = lambda _: None  # five jobs a minute are few
    qrec.runner.run.write_report = lambda *_: None  # takes seconds

    def child(*arguments, moment=None):
        pid = os.fork()
        if pid == 0:
            if moment is not None:
                kill_at(moment)
            sys.argv = ["qrec", *arguments]
            try:
                main()
            except SystemExit as end:
                os._exit(int(end.code or 0))
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def kill_at(moment):
        count = 0
        def counting(work):
            def counted(*arguments, **options):
                nonlocal count
                count += 1
                if count == moment:
                    os.kill(os.getpid(), signal.SIGKILL)
                return work(*arguments, **options)
            return counted
        files._sync, Ledger._connect = counting(files._sync), counting(Ledger._connect)

    for moment in map(int, sys.argv[2:]):
        os.environ["QREC_RUNS_DIR"] = f"{os.environ['BASE']}/{moment}"
        submit = ("submit", sys.argv[1], "-b", "qpu", "--yes")
        found = [child(*submit, moment=moment), child(*submit)]
        found += [child("fetch", "latest") for _ in range(2)]
        print(json.dumps([moment, *found]), flush=True)
"""


@pytest.mark.slow
def test_killed_submission_ends_with_the_jobs_that_were_needed(service, experiment_file, tmp_path):
    moments = [7, 26, *range(40, 58)]  # of 53 at the time of writing; the request leaves late
    script = ["-c", textwrap.dedent(_DRIVER), str(experiment_file), *map(str, moments)]
    alone = {"BASE": str(tmp_path), "RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *script], env=os.environ | alone, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    for moment, killed, again, _, fetched in found:
        assert (killed in (-9, 0), again, fetched) == (True, 0, 0), f"moment {moment}"
        [_] = (tmp_path / str(moment)).glob("[0-9]*")
        assert not list((tmp_path / str(moment)).rglob(".unfinished-*"))
    assert sum(killed == -9 for _, killed, *_ in found) >= 0.5 * len(found)
    uids = Counter(job.body["tags"][0] for job in service.jobs.values())
    assert set(uids.values()) == {1}
    assert len(uids) == len(found)
