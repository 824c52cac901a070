"""Benchmarks: `pytest tests/benchmarks --benchmark-only`; a plain test run leaves them out."""

from pathlib import Path

import pytest

LINES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LINES] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("benchmark_only"):
        own = [item for item in items if item.path.parent == Path(__file__).parent]
        items[:] = [item for item in items if item not in own]
        config.hook.pytest_deselected(items=own)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in terminalreporter.config.stash[LINES]:
        terminalreporter.write_line(line)


@pytest.fixture
def lines(request: pytest.FixtureRequest) -> list[str]:
    """Return what the terminal summary prints."""
    return request.config.stash[LINES]
