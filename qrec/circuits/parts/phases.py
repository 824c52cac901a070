"""The phases by which a sequence of calls of a block encoding makes a polynomial of it.

Symmetric quantum signal processing: Dong, Meng, Whaley, Lin, "Efficient phase-factor evaluation
in quantum signal processing", arXiv:2002.11649; by Newton's method: Dong, Lin, Ni, Wang,
"Robust iterative method for symmetric quantum signal processing", arXiv:2307.12468.
"""

import numpy as np
from numpy.typing import NDArray

from qrec.circuits.parts.polynomial import even_value
from qrec.errors import ConfigError
from qrec.types import Array

_ENOUGH = 1e-13  # of the value at the nodes
_MOST_STEPS = 60


def qsvt_phases(coefficients: Array) -> Array:
    """Return the phases `(d,)`, radians, of a polynomial by its coefficients of T_0, T_2, .., T_d.

    They stand as in Definition 15 of arXiv:1806.01838: the first is that of the last projector
    of the circuit. Raises ConfigError where the polynomial leaves [-1, 1].
    """
    p = _symmetric_phases(coefficients)
    degree = len(p) - 1
    phases = p[:-1] - np.pi / 2
    phases[0] = p[0] + p[-1] + (degree - 1) * np.pi / 2
    return phases


def _symmetric_phases(coefficients: Array) -> Array:
    """Return p `(d + 1,)`, p_k = p_{d-k}, with P(x) = Re <0| e^{i p_0 Z} prod_k W e^{i p_k Z} |0>.

    W = [[x, i s], [i s, x]], s = sqrt(1 - x^2). Newton's method on the half that is free, at
    as many Chebyshev nodes.
    """
    half = len(coefficients) - 1
    nodes = np.cos((2 * np.arange(half + 1) + 1) * np.pi / (4 * (half + 1)))
    wanted = even_value(coefficients, nodes)
    free = np.zeros(half + 1)
    free[0] = np.pi / 4
    for _ in range(_MOST_STEPS):
        value, slope = _value_and_slope(np.concatenate([free, free[-2::-1]]), nodes)
        if np.abs(value - wanted).max() < _ENOUGH:
            break
        slope[:, :half] += slope[:, :half:-1]  # the mirror image of each but the middle one
        free -= np.linalg.solve(slope[:, : half + 1], value - wanted)
    else:
        raise ConfigError(
            f"no phases found in {_MOST_STEPS} steps; expected a polynomial within [-1, 1]"
        )
    return np.concatenate([free, free[-2::-1]])


def _value_and_slope(phases: Array, x: Array) -> tuple[Array, Array]:
    """Return the real part `(n_x,)` at `phases` and its derivatives `(n_x, n_phases)`."""
    s = np.sqrt(1 - x**2)
    # Of the row from the left up to a phase, and of the column from the right up to it.
    left = np.empty((len(phases), 2, len(x)), dtype=np.complex128)
    right = np.empty_like(left)
    left[0], right[-1] = np.stack([np.ones_like(x), np.zeros_like(x)]), [[1.0], [0.0]]
    for k in range(1, len(phases)):
        left[k] = _signal(left[k - 1] * _z(phases[k - 1]), x, s)
        back = len(phases) - 1 - k
        right[back] = _signal(right[back + 1] * _z(phases[back + 1]), x, s)
    turned = np.exp(1j * phases)[:, None], np.exp(-1j * phases)[:, None]
    zero, one = left[:, 0] * turned[0] * right[:, 0], left[:, 1] * turned[1] * right[:, 1]
    return np.real(zero[0] + one[0]), np.real(1j * (zero - one)).T


def _signal(vectors: NDArray[np.complex128], x: Array, s: Array) -> NDArray[np.complex128]:
    """Return W(x), which is symmetric, times row or column vectors `(2, n_x)`."""
    return np.stack([x * vectors[0] + 1j * s * vectors[1], 1j * s * vectors[0] + x * vectors[1]])


def _z(phase: float) -> NDArray[np.complex128]:
    return np.exp([[1j * phase], [-1j * phase]])
