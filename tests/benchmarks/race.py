"""Timing contenders in turns, so that a busy machine slows all of them alike."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

LINES: list[str] = []  # what the terminal summary prints


@dataclass
class Contender:
    """A way to do some evaluations; `work` of them per call."""

    name: str
    call: Callable[[], object]
    work: int
    at_least: float | None = None  # how many times slower it must be than the first contender
    seconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.work / float(np.median(self.seconds))


def race(title: str, contenders: list[Contender], rounds: int = 5) -> dict[str, float]:
    """Run all contenders `rounds` times in turn; return how often faster the first one is.

    A first call of each, in which tools compile, is not counted.
    """
    for contender in contenders:
        contender.call()
    for _ in range(rounds):
        for contender in contenders:
            start = perf_counter()
            contender.call()
            contender.seconds.append(perf_counter() - start)
    first = contenders[0]
    LINES.append(f"\n{title}\n  {first.name:44s} {first.rate:>14,.0f}/s")
    ratios = {c.name: first.rate / c.rate for c in contenders[1:]}
    for contender in contenders[1:]:
        goal = f"  (goal {contender.at_least:g}x)" if contender.at_least else ""
        times = f"{ratios[contender.name]:>10,.1f}x{goal}"
        LINES.append(f"  {contender.name:44s} {contender.rate:>14,.1f}/s {times}")
    return ratios
