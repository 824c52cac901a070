"""BFGS, for many problems side by side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qrec.svd.line_search import LineSearch
from qrec.svd.objectives import Indices, Objective
from qrec.svd.optimisers import Optimum
from qrec.types import Array

PER_PARAMETER = 200  # iterations at most, where nobody says how many
_SMALL_GRADIENT = 1e-5  # scipy's gtol, of the largest component


def bfgs(objective: Objective, start: Array, max_iter: int | None = None) -> Optimum:
    """Minimise by BFGS from `start` `(n, n_parameters)`.

    Takes the steps of ``scipy.optimize.minimize(method="BFGS", jac=True)``: the same line
    search, first steps, tolerance and default `max_iter` of 200 per parameter. A problem ends
    where its line search fails; scipy would then try a second kind, which without noise is
    hardly ever reached.
    """
    n, size = start.shape
    limit = PER_PARAMETER * size if max_iter is None else max_iter
    everything = np.arange(n)
    value, gradient = objective.value_and_gradient(start, everything)
    state = _State(start.copy(), value, gradient, np.tile(np.eye(size), (n, 1, 1)), -gradient)
    n_evaluations = np.ones(n, np.int64)
    history = [[v] for v in value]
    # The first step is as if the value had fallen by half the gradient's norm.
    search = state.begin_search(everything, -np.linalg.norm(gradient, axis=1) / 2)
    active = everything[~state.converged(everything)] if limit > 0 else everything[:0]
    while len(active):
        now = search.take(active)
        trial = state.theta[active] + now.trial[:, None] * state.direction[active]
        trial_value, trial_gradient = objective.value_and_gradient(trial, active)
        n_evaluations[active] += 1
        slope = (trial_gradient * state.direction[active]).sum(axis=1)
        ended, failed = now.advance(trial_value, slope)
        search.put(active, now)
        found = ended & ~failed
        rows = active[found]
        fall = trial_value[found] - state.value[rows]
        state.move(rows, trial[found], trial_value[found], trial_gradient[found])
        for row in rows:
            history[row].append(state.value[row])
        goes_on = ~state.converged(rows) & np.array([len(history[r]) <= limit for r in rows], bool)
        search.put(rows, state.begin_search(rows, fall))
        active = np.concatenate([active[~ended], rows[goes_on]])
    return Optimum(
        state.theta, state.value, n_evaluations, n_evaluations, [np.array(h) for h in history]
    )


@dataclass
class _State:
    """Where the problems are; arrays over problems first."""

    theta: Array
    value: Array
    gradient: Array
    inverse: Array  # (n, n_parameters, n_parameters), of the Hessian
    direction: Array

    def converged(self, rows: Indices) -> NDArray[np.bool_]:
        return np.asarray(np.abs(self.gradient[rows]).max(axis=1) <= _SMALL_GRADIENT)

    def begin_search(self, rows: Indices, fall: Array) -> LineSearch:
        """Begin to search along the directions; `fall` is what the last iteration brought."""
        slope = (self.gradient[rows] * self.direction[rows]).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            guess = np.minimum(1.0, 2.02 * fall / slope)
        return LineSearch.begin(np.where(guess > 0, guess, 1.0), self.value[rows], slope)

    def move(self, rows: Indices, theta: Array, value: Array, gradient: Array) -> None:
        """Go to new points, learn from them about the Hessian, and choose the next directions."""
        step, change = theta - self.theta[rows], gradient - self.gradient[rows]
        self.theta[rows], self.value[rows], self.gradient[rows] = theta, value, gradient
        inverse = self.inverse[rows]
        products = inverse @ np.stack([change, gradient], axis=2)
        curved, image = products[:, :, 0], products[:, :, 1]
        rho = 1 / _dot(change, step)
        side = 0.5 * (1 + rho * _dot(change, curved)) * rho * step - rho * curved
        inverse += np.stack([side, step], axis=2) @ np.stack([step, side], axis=1)
        self.inverse[rows] = inverse
        self.direction[rows] = -image - side * _dot(step, gradient) - step * _dot(side, gradient)


def _dot(a: Array, b: Array) -> Array:
    """Return the dot products of rows, `(n, 1)`."""
    return np.asarray((a * b).sum(axis=1, keepdims=True))
