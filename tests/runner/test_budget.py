"""The most that a run still asks, where that can be known."""

from types import SimpleNamespace

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.backends import Workload, open_backend
from qrec.backends.workload import Asked
from qrec.experiments.base import Step
from qrec.runner.budget import Round
from qrec.runner.pieces import plan_jobs

WORKLOAD = Workload(QuantumCircuit(1), SparseObservable("Z"), np.empty((3, 0)), "k")


def do(*_):
    raise AssertionError


def cost(steps, done=(), questions=("first",)):
    """Return the row of a round in which steps ask 3 evaluations of 40 shots each."""
    backend = open_backend("aer_ideal", shots=40)
    units = backend.prepare([WORKLOAD])
    asked = {(step, 0): units for step in questions}
    work = SimpleNamespace(
        steps=[step(backend) for step in steps],
        outcomes=SimpleNamespace(has=lambda name: name in done),
        read=lambda _: None,
        experiment=SimpleNamespace(backend=lambda _: backend),
    )
    [row] = Round(work, {"shots": asked}, plan_jobs(backend, "shots", asked)).rows()
    return row


def once(name, *after):
    return lambda _: Step(name, do, after)


def often(name, times):
    return lambda backend: Step(name, do, most=lambda _: [Asked(backend, [WORKLOAD], times)])


@pytest.mark.parametrize(
    ("steps", "done", "questions", "most"),
    [
        ([once("first")], (), ("first",), 120),
        ([once("first"), once("second")], (), ("first", "second"), 240),
        ([once("first"), once("second")], ("second",), ("first",), 120),
        ([often("first", 5)], (), ("first",), 600),
        ([often("first", 5), often("second", 7)], ("second",), ("first",), 600),
        ([once("first"), once("then", "first")], (), ("first",), None),
        ([once("first"), once("then", "second"), once("second")], ("second",), ("first",), 120),
    ],
)
def test_the_most_is_that_of_all_steps_and_unknown_before_one_can_be_reached(
    steps, done, questions, most
):
    row = cost(steps, done, questions)
    assert row.executions == 120 * len(questions)
    assert row.most_executions == most
    assert (row.most_qpu_seconds is None) == (most is None)


def test_the_most_counts_the_backend_at_hand_alone():
    other = open_backend("aer_ideal", shots=1000)
    row = cost([lambda _: Step("first", do, most=lambda _: [Asked(other, [WORKLOAD], 9)])])
    assert row.most_executions == row.executions == 120
