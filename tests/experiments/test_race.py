"""Races: turns, ratios, tools that are missing, and contenders that do other work."""

import os

import numpy as np
import pytest
import torch

from qrec.errors import MissingError, QrecError
from qrec.experiments.speed import race as racing
from qrec.experiments.speed.race import Contender, Race, one_core, run


@pytest.fixture
def clock(monkeypatch):
    """A clock that calls move forward."""
    now = [0.0]
    monkeypatch.setattr(racing, "process_time", lambda: now[0])
    return now


def contender(clock, who, seconds, values=(1.0, 2.0), work=10, **more):
    """One that takes these many seconds, call by call; the first is not counted."""
    times = iter(seconds)

    def build():
        def call():
            clock[0] += next(times)
            return np.array(values)

        return call

    return Contender(who, build, work, **({"bits": 64} | more))


def test_median_rates_and_their_ratios(clock):
    contenders = [
        contender(clock, "first", [9, 1, 2, 3], bits=32, is_ours=True),
        contender(clock, "ours, double", [9, 4, 4, 4], is_ours=True),
        contender(clock, "peer", [9, 2, 5, 2], values=[1.0], work=1, at_least=30.0),
    ]
    rows = run(Race("r", "title", contenders, epoch=60), 3, lambda _: None)
    assert [row.per_second for row in rows] == [5.0, 2.5, 0.5]
    assert [row.ratio for row in rows] == [None, 2.0, 10.0]
    assert rows[2].ratio_same_bits == 5.0
    assert rows[2].at_least == 30.0
    assert rows[2].epoch_seconds == 120.0


def test_quick_calls_are_repeated_and_slow_ones_stop(clock):
    quick = contender(clock, "quick", [1] + [0.0041] * 10)
    slow = contender(clock, "slow", [1, 12])
    rows = run(Race("r", "title", [quick, slow]), 2, lambda _: None)
    assert rows[0].per_second == pytest.approx(10 / 0.0041)
    assert rows[1].per_second == pytest.approx(10 / 12)


def test_a_tool_that_is_missing_is_a_row_that_says_so(clock):
    def build():
        raise MissingError("not installed: pip install 'qrec[bench]'")

    contenders = [contender(clock, "first", [1, 1]), Contender("peer", build, 1, 64)]
    rows = run(Race("r", "title", contenders), 1, lambda _: None)
    assert rows[1].missing == "not installed: pip install 'qrec[bench]'"
    assert rows[1].per_second is None


@pytest.mark.parametrize("values", [[1.0, 2.1], [np.nan, 2.0]])
def test_contenders_must_give_the_same_values(clock, values):
    contenders = [contender(clock, "first", [1]), contender(clock, "peer", [1], values=values)]
    with pytest.raises(QrecError, match=r"'peer' differ .* from those of 'first'"):
        run(Race("r", "title", contenders), 1, lambda _: None)


def test_one_core_is_given_back():
    cores, threads = os.sched_getaffinity(0), torch.get_num_threads()
    with one_core():
        assert len(os.sched_getaffinity(0)) == torch.get_num_threads() == 1
    assert os.sched_getaffinity(0) == cores
    assert torch.get_num_threads() == threads
