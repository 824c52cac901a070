"""What every optimiser takes and returns."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from qrec.svd.objectives import Objective
from qrec.types import Array

Optimizer = Literal["bfgs", "adam", "spsa"]
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where the problems ended; arrays over problems first."""

    theta: Array  # (n, n_parameters)
    value: Array  # (n,)
    n_values: Counts  # (n,) evaluations of the objective
    n_gradients: Counts  # (n,) evaluations of its gradient
    history: list[Array]  # n arrays: the value at the start and after each iteration


def minimise(
    optimizer: str,
    objective: Objective,
    start: Array,
    max_iter: int | None = None,
    seed: int = 0,
) -> Optimum:
    """Minimise from `start` `(n, n_parameters)`, each row a problem of its own.

    `max_iter` is the optimiser's own where it is None; `seed` is for SPSA's directions.
    """
    from qrec.svd.bfgs import bfgs
    from qrec.svd.first_order import adam, spsa

    if optimizer == "bfgs":
        return bfgs(objective, start, max_iter)
    if optimizer == "adam":
        return adam(objective, start, max_iter)
    return spsa(objective, start, max_iter, seed)


def most_calls(optimizer: str, size: int, max_iter: int | None = None) -> tuple[int, int]:
    """Return how often `minimise` asks for values, and for values with gradients, at most.

    `size` is the number of parameters. A call is for all starts that are still under way.
    """
    from qrec.svd.bfgs import PER_PARAMETER
    from qrec.svd.first_order import ADAM_ITERATIONS, SPSA_CALIBRATIONS, SPSA_ITERATIONS
    from qrec.svd.line_search import MOST_TRIALS

    default = {"bfgs": PER_PARAMETER * size, "adam": ADAM_ITERATIONS, "spsa": SPSA_ITERATIONS}
    limit = default[optimizer] if max_iter is None else max_iter
    if optimizer == "bfgs":
        return 0, 1 + MOST_TRIALS * limit
    if optimizer == "adam":
        return 1, limit
    return 2 * (SPSA_CALIBRATIONS + limit) + 1, 0
