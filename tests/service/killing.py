"""`kill -9` at chosen moments of a command.

One process imports everything once and forks; `child` runs a command in a fork that, where a
moment is given, kills itself with SIGKILL the n-th time a file or the ledger is made safe on disk.
"""

import json
import os
import subprocess
import sys
import textwrap
from typing import Any

_DRIVER = """
import json, os, signal, sys
from qrec.cli import main
import qrec.runner.submit, qrec.runner.fetch, qrec.backends.ibm.service
import qrec.runner.run, qrec.recommenders.swap_test, torch
import qrec.experiments.comparison, qrec.experiments.vqsvd.training
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
"""


def killed(script: str, *arguments: object, **variables: str) -> list[Any]:
    """Run a script that calls `child` and prints JSON; return what it printed, line by line."""
    command = [sys.executable, "-c", _DRIVER + textwrap.dedent(script), *map(str, arguments)]
    alone = {"RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=os.environ | alone | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
