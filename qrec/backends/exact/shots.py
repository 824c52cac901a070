"""Shots of diagonal observables, drawn from their exact distribution: one draw per row."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qrec.backends.exact.estimator import evaluate
from qrec.backends.exact.probabilities import probabilities
from qrec.backends.exact.read.question import Question
from qrec.backends.readings import outcome_values, support


def draw_counts(
    question: Question, rows: NDArray[np.float64], shots: int, seed: int
) -> NDArray[np.int64]:
    """Return how often the observables take each of their joint values, (n_rows, n_values).

    A column stands for a row of the observables' `spectrum`: all are read from the same shots.
    The counts of independent shots are multinomial. Observables that take two joint values
    have their distribution in the expectation value of one that differs; any others need the
    outcome probabilities of the qubits that are read.
    """
    at_outcome = outcome_values(question.observables)
    values, which = np.unique(at_outcome, axis=0, return_inverse=True)
    if len(values) == 1:
        return np.full((len(rows), 1), shots)
    rng = np.random.default_rng(seed)
    if len(values) == 2:
        differing = int(np.argmax(values[0] != values[1]))
        low, high = values[:, differing]
        one = replace(question, observables=[question.observables[differing]])
        mean = evaluate(one, rows)[:, 0]
        seen = rng.binomial(shots, ((mean - low) / (high - low)).clip(0.0, 1.0))
        return np.column_stack([shots - seen, seen])
    chances = probabilities(question, support(*question.observables), rows)
    chances = chances @ (which.reshape(-1, 1) == np.arange(len(values)))
    return rng.multinomial(shots, chances / chances.sum(axis=1, keepdims=True))
