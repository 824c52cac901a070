"""Commands as a reader gives them, outside the package."""

import os
import re
import subprocess
import sys

import pytest
from docs_pages import ROOT


@pytest.fixture
def shell(tmp_path):
    """Return a function that runs a script in an empty folder, up to its first failure."""

    def run(script, path=""):
        script = re.sub(r"^qrec ", f"{sys.executable} -m qrec ", script, flags=re.MULTILINE)
        python_path = os.pathsep.join([str(ROOT), str(path)])
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=tmp_path,
            env=os.environ | {"QREC_RUNS_DIR": "runs", "PYTHONPATH": python_path},
            capture_output=True,
            text=True,
        )

    return run
