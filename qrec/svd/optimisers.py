"""BFGS, Adam and SPSA, each for many problems side by side."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qrec.svd.ansatz import Real
from qrec.svd.line_search import LineSearch
from qrec.svd.objectives import Objective

Counts = NDArray[np.int64]
Report = Callable[[int, int], None]  # problems ended, of how many
_SMALL_GRADIENT = 1e-5  # scipy's gtol, of the largest component


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where the problems ended; arrays over problems first."""

    theta: Real  # (n, n_parameters)
    value: Real  # (n,)
    n_values: Counts  # (n,) evaluations of the objective
    n_gradients: Counts  # (n,) evaluations of its gradient
    history: list[Real]  # n arrays: the value at the start and after each iteration
    converged: NDArray[np.bool_]  # (n,); only BFGS can tell


def bfgs(
    objective: Objective, start: Real, max_iter: int | None = None, report: Report | None = None
) -> Optimum:
    """Minimise by BFGS from `start` `(n, n_parameters)`.

    Takes the steps of ``scipy.optimize.minimize(method="BFGS", jac=True)``: the same line
    search, first steps, tolerance and default `max_iter` of 200 per parameter. It ends where
    scipy would try a second kind of line search, which noise-free problems do not reach.
    """
    theta, (n, size) = start.copy(), start.shape
    limit = 200 * size if max_iter is None else max_iter
    everything = np.arange(n)
    value, gradient = objective.value_and_gradient(theta, everything)
    n_evaluations, n_iterations = np.ones(n, np.int64), np.zeros(n, np.int64)
    history = [[v] for v in value]
    inverse = np.tile(np.eye(size), (n, 1, 1))
    direction = -gradient
    slope = -(gradient**2).sum(axis=1)
    # The first step is as if the value had fallen by half the gradient's norm.
    search = LineSearch.begin(_first_guess(-np.sqrt(-slope) / 2, slope), value, slope)
    converged = np.abs(gradient).max(axis=1) <= _SMALL_GRADIENT
    active = everything[~converged & (n_iterations < limit)]
    while len(active):
        now = search.take(active)
        trial = theta[active] + now.trial[:, None] * direction[active]
        trial_value, trial_gradient = objective.value_and_gradient(trial, active)
        n_evaluations[active] += 1
        trial_slope = (trial_gradient * direction[active]).sum(axis=1)
        ended, failed = now.advance(trial_value, trial_slope)
        search.put(active, now)
        done = ended & ~failed
        rows = active[done]
        step, change = trial[done] - theta[rows], trial_gradient[done] - gradient[rows]
        fall = trial_value[done] - value[rows]
        theta[rows], value[rows], gradient[rows] = trial[done], trial_value[done], trial_gradient[done]
        n_iterations[rows] += 1
        for row in rows:
            history[row].append(value[row])
        converged[rows] = np.abs(gradient[rows]).max(axis=1) <= _SMALL_GRADIENT
        goes_on = ~converged[rows] & (n_iterations[rows] < limit)
        rows, step, change = rows[goes_on], step[goes_on], change[goes_on]
        direction[rows] = -_update(inverse, rows, step, change, gradient[rows])
        slope = (gradient[rows] * direction[rows]).sum(axis=1)
        guess = _first_guess(fall[goes_on], slope)
        search.put(rows, LineSearch.begin(guess, value[rows], slope))
        over = failed.copy()
        over[done] = ~goes_on
        active = active[~over]
        if report:
            report(n - len(active), n)
    return Optimum(
        theta, value, n_evaluations, n_evaluations, [np.array(h) for h in history], converged
    )


def _first_guess(fall: Real, slope: Real) -> Real:
    """Return the first step to try, given by how much the value fell in the last iteration."""
    with np.errstate(divide="ignore", invalid="ignore"):
        guess = np.minimum(1.0, 2.02 * fall / slope)
    return np.where(guess > 0, guess, 1.0)


def _update(
    inverse: NDArray[np.float64], rows: NDArray[np.intp], step: Real, change: Real, gradient: Real
) -> Real:
    """Update the inverse Hessians of `rows` in place; return their products with `gradient`."""
    current = inverse[rows]
    products = current @ np.stack([change, gradient], axis=2)
    curved, image = products[:, :, 0], products[:, :, 1]
    rho = 1 / (change * step).sum(axis=1, keepdims=True)
    along = 0.5 * (1 + rho * (change * curved).sum(axis=1, keepdims=True)) * rho
    side = along * step - rho * curved
    current += np.stack([side, step], axis=2) @ np.stack([step, side], axis=1)
    inverse[rows] = current
    image = image + side * (step * gradient).sum(axis=1, keepdims=True)
    return image + step * (side * gradient).sum(axis=1, keepdims=True)
