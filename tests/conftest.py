"""Fixtures of general use: where real data is, and a cache that is not the user's."""

import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from small_experiment import SMALL_EXPERIMENT

if TYPE_CHECKING:
    from qrec.runner.run import Run

settings.register_profile("qrec", deadline=None)  # two busy cores make any deadline flaky
settings.load_profile("qrec")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run benchmarks in one process: two would share the cores they measure."""
    return 0 if config.getoption("benchmark_only", False) else None


@pytest.fixture(scope="session", autouse=True)
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep what the tests cache in a folder of their own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_CACHE_DIR", str(folder))
        yield folder


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder with the real MovieLens-100K, or skip."""
    folder = os.environ.get("QREC_DATA_DIR")
    if not folder:
        pytest.skip("needs real data: QREC_DATA_DIR is not set")
    if not (Path(folder) / "ml-100k" / "u.data").is_file():
        pytest.skip(f"needs real data: no ml-100k/u.data in QREC_DATA_DIR={folder}")
    return Path(folder)


@pytest.fixture
def small_experiment() -> dict[str, Any]:
    """Return an experiment with every kind of row, to be changed at will."""
    return deepcopy(SMALL_EXPERIMENT)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """Return the finished run of the small experiment."""
    from qrec.runner.run import run

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        return run(SMALL_EXPERIMENT)


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder of runs, in force for this test."""
    monkeypatch.setenv("QREC_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"
