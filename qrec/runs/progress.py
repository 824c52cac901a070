"""Progress on stderr, for work that takes longer than two seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_QUIET_SECONDS = 2.0


class Report(Protocol):
    """What work calls to say where it is: `done` of `total` steps, now at `step`.

    What is said `aloud` is shown even where something else was shown just before.
    """

    def __call__(self, step: str, done: int, total: int, aloud: bool = False) -> None: ...


def silent(step: str, done: int, total: int, aloud: bool = False) -> None:
    """Report nothing."""


@contextmanager
def progress() -> Iterator[Report]:
    """Show a bar on a terminal; elsewhere, print a line now and then."""
    console = Console(stderr=True)
    if console.is_terminal:
        with _bar(console) as report:
            yield report
    else:
        yield _lines(console)


@contextmanager
def _bar(console: Console) -> Iterator[Report]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("")

        def report(step: str, done: int, total: int, aloud: bool = False) -> None:
            del aloud  # a bar shows all of it
            bar.update(task, description=step, completed=done, total=total)

        yield report


def _left(seconds: float) -> str:
    """Return when work will have ended if it goes on as it went."""
    minutes = round(seconds / 60)
    return f"; about {minutes} min left" if minutes > 1 else f"; about {seconds:.0f} s left"


def _lines(console: Console) -> Report:
    last = begun = time.monotonic()
    first: int | None = None  # what was done when this began, perhaps long ago

    def report(step: str, done: int, total: int, aloud: bool = False) -> None:
        nonlocal last, first
        first = done if first is None else first
        now = time.monotonic()
        if aloud or now - last >= _QUIET_SECONDS:
            last = now
            left = _left((now - begun) * (total - done) / (done - first)) if done > first else ""
            line = f"{done}/{total} {step}{left}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    return report
