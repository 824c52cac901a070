"""Angles drawn from their conditional distribution, on a grid and exactly."""

import numpy as np
from numpy.typing import NDArray

from qrec.types import Array

N_POINTS = 128  # of the coarsest grid, over the whole circle


def draw_angles(
    rng: np.random.Generator,
    likelihood: Array,
    current: Array,
    mean: Array,
    precision: float,
    n_points: int = N_POINTS,
) -> Array:
    """Draw each angle phi of the density exp(l(phi) - precision (phi - mean)^2 / 2) on the reals.

    l(phi) = l_1 cos phi + l_2 sin phi + l_3 cos 2 phi + l_4 sin 2 phi, with `likelihood`
    `(n, 4)`; `current` and `mean` are `(n,)`. A precision of zero means the circle: the angle is
    then from -pi to pi about `mean`.

    The density is wrapped around the circle, an angle proposed from its values at the middles of
    `n_points` cells, uniformly within the cell, and accepted by Metropolis and Hastings' rule,
    which leaves the density exactly as it is: the grid's fineness is a matter of how often
    `current` stays (seldom), not of what is drawn. Then the winding number is drawn. Grids double
    until a cell is no wider than the narrowest peak that an angle can have.
    """
    about = _about(likelihood, mean)
    steepness = np.hypot(about[:, 0], about[:, 1]) + 4 * np.hypot(about[:, 2], about[:, 3])
    cells = 2 * np.pi * np.sqrt(steepness + precision) / n_points  # per standard deviation
    level = np.ceil(np.log2(np.maximum(cells, 1.0))).astype(int)
    moved = _wrapped(current - mean)
    for each in np.unique(level):
        rows = np.flatnonzero(level == each)
        moved[rows] = _on_grid(rng, about[rows], moved[rows], precision, n_points << int(each))
    if precision > 0:
        moved += 2 * np.pi * _windings(rng, moved, precision)
    return mean + moved


def _about(likelihood: Array, mean: Array) -> Array:
    """Return the same function's coefficients in phi - mean."""
    first, second = np.exp(1j * mean), np.exp(2j * mean)
    one = (likelihood[:, 0] + 1j * likelihood[:, 1]) / first
    two = (likelihood[:, 2] + 1j * likelihood[:, 3]) / second
    return np.column_stack([one.real, one.imag, two.real, two.imag])


def _on_grid(
    rng: np.random.Generator, likelihood: Array, current: Array, precision: float, n_points: int
) -> Array:
    width = 2 * np.pi / n_points
    middles = (np.arange(n_points, dtype=np.float64) + 0.5) * width - np.pi
    # Half the digits take half the time; what they round is part of the proposal.
    logs = likelihood.astype(np.float32) @ _harmonics(middles).T.astype(np.float32)
    logs += _log_prior(middles, precision).astype(np.float32)
    mass = np.exp(logs - logs.max(axis=1, keepdims=True))
    np.cumsum(mass, axis=1, out=mass)
    level = (rng.random(len(mass)) * mass[:, -1]).astype(np.float32)
    cell = np.minimum((mass < level[:, None]).sum(axis=1), n_points - 1)
    proposed = middles[cell] + width * (rng.random(len(mass)) - 0.5)
    own = np.clip(((current + np.pi) / width).astype(int), 0, n_points - 1)
    rows = np.arange(len(mass))

    def excess(angles: Array, cells: NDArray[np.intp]) -> Array:
        """Return by how much the density at angles exceeds that at the middles of their cells."""
        inside = np.einsum("nh,nh->n", likelihood, _harmonics(angles))
        out: Array = inside + _log_prior(angles, precision) - logs[rows, cells]
        return out

    accept = np.log(rng.random(len(mass))) < excess(proposed, cell) - excess(current, own)
    return np.where(accept, proposed, current)


def _harmonics(angles: Array) -> Array:
    doubled = 2 * angles
    return np.column_stack([np.cos(angles), np.sin(angles), np.cos(doubled), np.sin(doubled)])


def _turns(precision: float) -> Array:
    """Return the winding numbers that are not beyond all chance, within exp(-40)."""
    most = int(np.ceil(np.sqrt(80 / precision) / (2 * np.pi)))
    return np.arange(-most, most + 1.0)


def _log_windings(angles: Array, precision: float) -> Array:
    """Return the logarithm of the prior's density, up to a constant, at every turn `(n, t)`."""
    out: Array = -precision / 2 * (angles[:, None] + 2 * np.pi * _turns(precision)) ** 2
    return out


def _log_prior(angles: Array, precision: float) -> Array:
    """Return the logarithm of the prior's density wrapped around the circle."""
    if precision == 0:
        return np.zeros(len(angles))
    out: Array = np.logaddexp.reduce(_log_windings(angles, precision), axis=1)
    return out


def _windings(rng: np.random.Generator, angles: Array, precision: float) -> Array:
    logs = _log_windings(angles, precision)
    mass = np.cumsum(np.exp(logs - logs.max(axis=1, keepdims=True)), axis=1)
    level = rng.random(len(mass)) * mass[:, -1]
    place = np.minimum((mass < level[:, None]).sum(axis=1), mass.shape[1] - 1)
    found: Array = _turns(precision)[place]
    return found


def _wrapped(angles: Array) -> Array:
    found: Array = (angles + np.pi) % (2 * np.pi) - np.pi
    return found
