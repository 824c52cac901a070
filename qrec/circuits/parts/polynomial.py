"""Even polynomials that keep large singular values and drop small ones."""

import numpy as np
from numpy.polynomial import chebyshev
from scipy.optimize import linprog

from qrec.errors import ConfigError
from qrec.types import Array

_KEPT = 0.999  # the value above the threshold; below 1, near which phases are ill-conditioned
_HIGHEST = 0.9999  # of |P|, between the points of the linear program too
_POINTS = 16  # per degree: of P(cos x) no more than a thousandth is hidden between them


def threshold_polynomial(degree: int, threshold: float, gap: float) -> Array:
    """Return the even polynomial nearest to a step at `threshold`, in the largest error.

    The coefficients `(degree / 2 + 1,)` are those of the Chebyshev polynomials T_0, T_2, ...;
    the value is near 0 on [0, threshold - gap / 2], near 1 on [threshold + gap / 2, 1] and
    within [-1, 1] everywhere on [-1, 1]. An error of .1 takes a degree of about 2.8 / gap, one
    of .03 about 4.8 / gap. Found by one linear program. Raises ConfigError for an odd degree,
    and where one of the two bands is empty.
    """
    low, high = threshold - gap / 2, threshold + gap / 2
    if degree < 2 or degree % 2:
        raise ConfigError(f"degree {degree}: expected 2, 4, ..., the parity of a projection")
    if not 0.0 <= low < high <= 1.0:
        raise ConfigError(
            f"threshold {threshold:g} with gap {gap:g}: expected two bands within [0, 1], "
            f"found one up to {low:g} and one from {high:g}"
        )
    x = np.concatenate([np.cos(np.linspace(0, np.pi / 2, _POINTS * degree + 1)), [low, high]])
    values = chebyshev.chebvander(x, degree)[:, ::2]
    kept, dropped = values[x >= high], values[x <= low]
    within, other = np.zeros((len(x), 1)), -np.ones((len(x), 1))  # the last unknown: the error
    upper = np.vstack([
        np.hstack([values, within]),
        np.hstack([-values, within]),
        np.hstack([-kept, other[: len(kept)]]),
        np.hstack([dropped, other[: len(dropped)]]),
        np.hstack([-dropped, other[: len(dropped)]]),
    ])  # fmt: skip
    bounds = [_KEPT] * (2 * len(x)) + [-_KEPT] * len(kept) + [0.0] * (2 * len(dropped))
    cost = np.append(np.zeros(values.shape[1]), 1.0)
    found = linprog(cost, upper, bounds, bounds=(None, None), method="highs")
    coefficients: Array = found.x[:-1]
    highest = np.abs(even_value(coefficients, np.cos(np.linspace(0, np.pi / 2, 80 * degree)))).max()
    coefficients *= min(1.0, _HIGHEST / highest)
    return coefficients


def even_value(coefficients: Array, x: Array) -> Array:
    """Return sum_k coefficients_k T_2k at every x, in the shape of `x`."""
    return np.asarray(chebyshev.chebval(2 * x**2 - 1, coefficients))  # T_2k(x) = T_k(T_2(x))
