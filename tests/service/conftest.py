"""The loopback service, and a command line that talks to it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

from loopback_service import DEVICE, Service, loopback

EXPERIMENT = {
    "schema_version": 1,
    "kind": "comparison",
    "name": "tiny",
    "title": "two circuits, two jobs",
    "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
    "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
    "seed": 3,
    "n_pairs": 6,
    "recommenders": [
        {"label": "als", "recommender": "als", "params": {"n_factors": 2}},
        {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"}},
        {
            "label": "squared",
            "recommender": "swap_test",
            "params": {"base": "@als", "estimate": "report"},
        },
    ],
}
BACKENDS = {
    "schema_version": 1,
    "backends": {
        "exact": {"kind": "exact"},
        "aer_ideal": {
            "kind": "aer",
            "shots": 40,
            "seed_simulator": 7,
            "optimization_level": 1,
            "seed_transpiler": 7,
        },
        "qpu": {
            "kind": "ibm",
            "device": DEVICE,
            "shots": 40,
            "optimization_level": 1,
            "seed_transpiler": 7,
            "n_transpiler_seeds": 1,
            "max_qpu_seconds": 60,
        },
    },
}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Service]:
    """Return a running service that the environment leads to."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with loopback() as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running
        assert not running.errors


@pytest.fixture
def experiment_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the experiment's file; its backends and its runs are those of this test."""
    (tmp_path / "backends.yaml").write_text(yaml.safe_dump(BACKENDS))
    monkeypatch.setenv("QREC_BACKENDS", str(tmp_path / "backends.yaml"))
    monkeypatch.setenv("QREC_RUNS_DIR", str(tmp_path / "runs"))
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(EXPERIMENT))
    return path


@pytest.fixture
def qrec(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs a command and gives exit status, stdout and stderr."""
    from qrec.backends.ibm.account import forget_account
    from qrec.cli import main

    def call(*arguments: object) -> tuple[int, str, str]:
        forget_account()  # as every process begins
        monkeypatch.setattr(sys, "argv", ["qrec", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def fetch_all(
    qrec: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Return a function that fetches the newest run until it is finished, without a report."""
    monkeypatch.setattr("qrec.runner.run.write_report", lambda *_: None)  # takes seconds

    def call() -> None:
        for _ in range(6):
            status, _, err = qrec("fetch", "latest")
            if status == 0:
                return
        raise AssertionError(err)

    return call


@pytest.fixture
def submit(
    qrec: Callable[..., tuple[int, str, str]], experiment_file: Path
) -> Callable[[], tuple[int, str, str]]:
    """Return the command that sends the experiment."""
    return lambda: qrec("submit", experiment_file, "-b", "qpu", "--yes")


@pytest.fixture
def two_jobs_and_no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every circuit sent as a job of its own, and nothing waited for."""
    from qrec.backends.base import Limits
    from qrec.backends.kinds.ibm import IbmBackend

    monkeypatch.setattr(IbmBackend, "limits", property(lambda _: Limits(pubs=1)))
    # A busy machine answers within it; what hangs does not.
    monkeypatch.setattr("qrec.backends.ibm.session.READ_SECONDS", 1.0)
    monkeypatch.setattr("qrec.runner.jobs.sleep", lambda _: None)
