"""Timing contenders in turns on one core by CPU time: a busy machine slows all of them alike."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import process_time
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from qrec.errors import MissingError, QrecError
from qrec.types import Row

Call = Callable[[], NDArray[Any] | None]
Say = Callable[[str], None]  # told what is being done

_SHORTEST = 0.02  # seconds: quicker calls are repeated, else cold caches are all that is timed
_LONGEST = 10.0  # seconds: after so long in a race, a contender is not timed again


@dataclass(frozen=True)
class Cost:
    """What one evaluation asks of the machine, and by which measured rates to judge it."""

    flops: float
    bytes: float
    sines: float  # and cosines
    gemm: str = "16 x 16 blocks"
    memory: str = "cache"


@dataclass(frozen=True, eq=False)
class Contender:
    """A way to do some work; each call of what `build` returns does `work` evaluations.

    A call returns values that are compared with those of the first contender, or None.
    """

    who: str
    build: Callable[[], Call]
    work: int
    bits: int  # of a real number
    is_ours: bool = False
    at_least: float | None = None  # the first contender's rate over this one's
    cost: Callable[[], Cost] | None = None


@dataclass(frozen=True, eq=False)
class Race:
    """Contenders at the same work, the first of which is what the others are compared with."""

    name: str
    title: str
    contenders: Sequence[Contender]
    rate_goal: float | None = None  # evaluations per second of the first
    epoch: int | None = None  # samples, where the work is training
    tolerance: float = 1e-4  # of values, relative to the largest


@dataclass(frozen=True, kw_only=True)
class RaceRow(Row):
    """One contender of a race; a tool that is not installed has no rates."""

    KEY: ClassVar[tuple[str, ...]] = ("race", "who")
    VALUES: ClassVar[tuple[str, ...]] = ("per_second", "ratio")

    race: str
    work: str  # the title of the race
    who: str
    bits: int  # of a real number
    at_least: float | None  # the goal of `ratio`
    rate_goal: float | None  # of `per_second`
    missing: str | None = None  # why there are no rates
    per_second: float | None = None  # evaluations
    ratio: float | None = None  # the first contender's rate over this one's; None for the first
    ratio_same_bits: float | None = None  # that of our first contender of this precision
    epoch_seconds: float | None = None  # where the work is training
    giga: dict[str, float] | None = None  # on paper: billions per second, by the machine's rate


def run(race: Race, rounds: int, say: Say) -> list[RaceRow]:
    """Return a row per contender: the median rate of `rounds` calls, and ratios to it.

    The first call of each, in which tools plan and compile, is not counted. Quick calls are
    repeated within a round, slow ones have fewer rounds. A tool that is not installed is a row
    that says so. Raises QrecError where values differ.
    """
    calls: dict[str, Call] = {}
    missing: dict[str, str] = {}
    expected = None
    with one_core():
        for contender in race.contenders:
            say(contender.who)
            try:
                calls[contender.who] = contender.build()
            except MissingError as error:
                missing[contender.who] = str(error)
                continue
            found = calls[contender.who]()
            if expected is None:
                expected = found
            _compare(race, contender.who, found, expected)
        seconds: dict[str, list[float]] = {who: [] for who in calls}
        for turn in range(rounds):
            say(f"round {turn + 1} of {rounds}")
            for who, call in calls.items():
                if sum(seconds[who]) < _LONGEST:
                    seconds[who].append(_time(call))
    medians = {who: float(np.median(times)) for who, times in seconds.items()}
    rates = {c.who: c.work / medians[c.who] for c in race.contenders if c.who in medians}
    return [_row(race, contender, rates, missing) for contender in race.contenders]


@contextmanager
def one_core() -> Iterator[None]:
    """Compare cores, not thread counts: one thread in BLAS, OpenMP and torch, one core for all.

    Where the system can bind this thread to a core, threads that a tool starts in here share
    that core; elsewhere (macOS) XLA's threads are not held.
    """
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    torch.set_num_threads(1)
    if cores:
        os.sched_setaffinity(0, {max(cores)})
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
        if cores:
            os.sched_setaffinity(0, cores)


def _time(call: Call) -> float:
    """Return the CPU seconds of a call, the mean of as many as take `_SHORTEST`.

    They do not count what else the machine does at the time.
    """
    begun, calls, taken = process_time(), 0, 0.0
    while taken < _SHORTEST:
        call()
        calls += 1
        taken = process_time() - begun
    return taken / calls


def _compare(
    race: Race, who: str, found: NDArray[Any] | None, expected: NDArray[Any] | None
) -> None:
    if found is None or expected is None:
        return
    n = min(len(found), len(expected))
    off = float(np.abs(found[:n] - expected[:n]).max())
    if not off <= race.tolerance * max(1.0, float(np.abs(expected).max())):
        raise QrecError(
            f"{race.name}: the values of {who!r} differ by {off:.2g} from those of "
            f"{race.contenders[0].who!r}: they do not do the same work"
        )


def _row(race: Race, own: Contender, rates: dict[str, float], missing: dict[str, str]) -> RaceRow:
    first, rate = race.contenders[0], rates.get(own.who)
    found: dict[str, Any] = {}
    if rate is not None:
        found = {"per_second": rate, "ratio": None if own is first else rates[first.who] / rate}
        if not own.is_ours:
            same = [c for c in race.contenders if c.is_ours and c.bits == own.bits]
            found["ratio_same_bits"] = rates[same[0].who] / rate if same else None
        if race.epoch is not None:
            found["epoch_seconds"] = race.epoch / rate
        if own.cost is not None:
            found["giga"] = _on_paper(own.cost(), rate, own.bits)
    return RaceRow(
        race=race.name,
        work=race.title,
        who=own.who,
        bits=own.bits,
        at_least=own.at_least,
        rate_goal=race.rate_goal if own is first else None,
        missing=missing.get(own.who),
        **found,
    )


def _on_paper(cost: Cost, rate: float, bits: int) -> dict[str, float]:
    """Return billions per second of what the work takes, by the machine's rate for each."""
    needs = {
        f"GEMM, {cost.gemm}, float{bits}": cost.flops,
        f"copy, {cost.memory}": cost.bytes,
        f"sine, float{bits}": cost.sines,
    }
    return {what: rate * need / 1e9 for what, need in needs.items()}
