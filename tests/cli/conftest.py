"""The command line as a user meets it, and a file to give it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from qrec.cli import main

Called = tuple[int, str, str]


@pytest.fixture
def qrec(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Called]:
    """Return a function that runs a command and gives exit status, stdout and stderr."""

    def call(*arguments: object) -> Called:
        monkeypatch.setattr(sys, "argv", ["qrec", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def experiment_file(tmp_path: Path, small_experiment: dict[str, Any]) -> Path:
    """Return the file of the small experiment."""
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(small_experiment))
    return path
