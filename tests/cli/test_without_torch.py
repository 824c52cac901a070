"""What needs no torch runs where torch cannot be imported; what does says so in one line."""

import os
import subprocess
import sys

import pytest

from qrec.registry import PACKAGED

CLASSICAL = """
schema_version: 1
kind: comparison
name: classical
title: no exact values asked
dataset: {name: synthetic, n_users: 60, n_items: 80, n_ratings: 1500}
split: {kind: random, ratios: [0.6, 0.2, 0.2]}
n_pairs: 20
recommenders:
  - {label: bias, recommender: bias}
  - {label: als, recommender: als, params: {n_factors: 2}}
  - {label: swap, recommender: swap_test, params: {base: "@als"}, backends: [aer_ideal]}
"""
BROKEN = "raise ImportError('libtorch_cpu.so: cannot open shared object file')"
MISSING = "raise ModuleNotFoundError('No module named torch', name='torch')"


@pytest.fixture
def qrec(tmp_path):
    """Return a function that gives a command where torch cannot be imported."""
    (tmp_path / "without" / "torch").mkdir(parents=True)
    places = [str(tmp_path / "without"), str(PACKAGED), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(places),
        "QREC_RUNS_DIR": str(tmp_path / "runs"),
    }

    def run(*words, why=BROKEN):
        (tmp_path / "without" / "torch" / "__init__.py").write_text(why)
        command = [sys.executable, "-m", "qrec", *words]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment
        )

    return run


def test_a_broken_torch_is_one_line(qrec):
    done = qrec("explain", "swap_test")
    assert done.returncode == 4
    assert done.stderr == (
        "qrec: torch, which this needs, cannot be imported: libtorch_cpu.so: cannot open shared "
        "object file; install it: pip install --force-reinstall torch\n"
    )


def test_backends_are_listed_without_torch(qrec):
    done = qrec("list", "backends")
    assert done.returncode == 0, done.stderr
    assert "exact_noisy" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [("--help",), ("list", "recommenders"), ("count", "swap_test"),
              ("count", "swap_test", "--target", "fake:FakeTorino"), ("schema", "backends")],
    ids=" ".join,
)  # fmt: skip
def test_what_asks_no_exact_value_needs_no_torch(qrec, words):
    done = qrec(*words)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_classical_rows_and_aer_need_no_torch(qrec, tmp_path):
    (tmp_path / "classical.yaml").write_text(CLASSICAL)
    done = qrec("run", "classical.yaml")
    assert done.returncode == 0, done.stderr
    assert "aer_ideal" in done.stdout
    done = qrec("run", "classical.yaml", "-b", "exact", why=MISSING)
    assert done.returncode == 4
    last = done.stderr.splitlines()[-1]
    assert last.endswith("torch, which this needs, cannot be imported: No module named torch; "
                         "install it: pip install torch")  # fmt: skip
