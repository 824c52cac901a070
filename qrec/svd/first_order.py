"""Adam and SPSA, for many problems side by side."""

import numpy as np

from qrec.svd.objectives import Objective
from qrec.svd.optimisers import Optimum
from qrec.types import Array

ADAM_ITERATIONS, SPSA_ITERATIONS, SPSA_CALIBRATIONS = 500, 1000, 10
_ADAM_RATE, _SPSA_PERTURBATION, _SPSA_FIRST_STEP = 0.05, 0.2, 0.2


def adam(objective: Objective, start: Array, max_iter: int | None = None) -> Optimum:
    """Minimise by Adam (Kingma and Ba, ICLR 2015) with a rate that falls linearly to zero.

    `max_iter` is 500 where it is None. The answer is the last point.
    """
    theta, rows = start.copy(), np.arange(len(start))
    limit = ADAM_ITERATIONS if max_iter is None else max_iter
    mean, square = np.zeros_like(theta), np.zeros_like(theta)
    values = []
    for k in range(1, limit + 1):
        value, gradient = objective.value_and_gradient(theta, rows)
        values.append(value)
        mean += 0.1 * (gradient - mean)
        square += 0.001 * (gradient**2 - square)
        rate = _ADAM_RATE * (1 - (k - 1) / limit)
        theta -= rate * (mean / (1 - 0.9**k)) / (np.sqrt(square / (1 - 0.999**k)) + 1e-8)
    values.append(objective.value(theta, rows))
    n_gradients = np.full(len(theta), limit)
    return Optimum(theta, values[-1], n_gradients + 1, n_gradients, list(np.array(values).T))


def spsa(objective: Objective, start: Array, max_iter: int | None = None, seed: int = 0) -> Optimum:
    """Minimise by simultaneous perturbation: two evaluations per iteration, no gradient.

    Spall, IEEE Transactions on Aerospace and Electronic Systems 34, 817 (1998), with its
    exponents 0.602 and 0.101. The first step's size is set by ten pairs of evaluations at the
    start, as Kandala et al., Nature 549, 242 (2017), do. `max_iter` is 1000 where it is None.
    The history holds the mean of the two values of each iteration; the last value is measured
    at the last point.
    """
    theta, rows = start.copy(), np.arange(len(start))
    limit = SPSA_ITERATIONS if max_iter is None else max_iter
    streams = [np.random.default_rng([seed, row]) for row in range(len(start))]

    def differences(width: float) -> tuple[Array, Array, Array]:
        signs = np.array([rng.choice([-1.0, 1.0], theta.shape[1]) for rng in streams])
        plus = objective.value(theta + width * signs, rows)
        minus = objective.value(theta - width * signs, rows)
        return (plus - minus) / (2 * width), (plus + minus) / 2, signs

    slopes = [np.abs(differences(_SPSA_PERTURBATION)[0]) for _ in range(SPSA_CALIBRATIONS)]
    delay = 0.1 * limit
    slope = np.maximum(np.mean(slopes, axis=0), 1e-12)  # zero for a matrix of zeros
    gain = _SPSA_FIRST_STEP * (1 + delay) ** 0.602 / slope
    values = []
    for k in range(limit):
        slope, value, signs = differences(_SPSA_PERTURBATION / (k + 1) ** 0.101)
        values.append(value)
        theta -= (gain * slope / (k + 1 + delay) ** 0.602)[:, None] * signs
    values.append(objective.value(theta, rows))
    n_values = np.full(len(theta), 2 * (SPSA_CALIBRATIONS + limit) + 1)
    return Optimum(theta, values[-1], n_values, 0 * n_values, list(np.array(values).T))
