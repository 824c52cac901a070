"""From trained angles to singular values and vectors, and what getting there costs."""

from dataclasses import dataclass

import numpy as np

from qrec.svd.ansatz import Complex
from qrec.svd.objectives import Criterion, ExactObjective
from qrec.svd.optimisers import Counts, minimise
from qrec.types import Array


@dataclass(frozen=True, eq=False)
class Factors:
    """M ~ left diag(singular_values) right^dag, for many matrices; largest value first.

    The phases of the complex d_j = <j|U^dag M V|j> are absorbed into `left`.
    """

    left: Complex  # (n, N, T)
    singular_values: Array  # (n, T)
    right: Complex  # (n, N, T)

    def reconstruct(self, rank: int) -> Complex:
        """Return the sum of the first `rank` terms, `(n, N, N)`."""
        left = self.left[:, :, :rank] * self.singular_values[:, None, :rank]
        return left @ self.right[:, :, :rank].conj().swapaxes(1, 2)


def decompose(criterion: Criterion, u: Complex, v: Complex, c: Complex) -> Factors:
    """Return the factors for U, V and C = U^dag M V, all `(n, ., Criterion.n_columns)`.

    The subspace objective takes the singular value decomposition of C; the others look at its
    diagonal alone, and of the N places of the coincidence objective at the T largest.
    """
    if criterion.kind == "subspace":
        turn_u, singular, turn_v = np.linalg.svd(c)
        return Factors(u @ turn_u, singular, v @ turn_v.conj().swapaxes(1, 2))
    d = np.diagonal(c, axis1=1, axis2=2)
    order = np.argsort(-np.abs(d), axis=1, kind="stable")[:, : criterion.rank]
    left = u * np.exp(1j * np.angle(d))[:, None, :]
    pick = order[:, None, :]
    return Factors(
        np.take_along_axis(left, pick, axis=2),
        np.take_along_axis(np.abs(d), order, axis=1),
        np.take_along_axis(v, pick, axis=2),
    )


@dataclass(frozen=True, eq=False)
class Trained:
    """Factorisations of many matrices, each from one start."""

    factors: Factors
    theta: Array  # (n, n_parameters)
    value: Array  # (n,) of the objective: larger is better
    circuits: dict[str, Counts]  # (n,) see `circuit_runs`


def train(
    matrices: Array | Complex,
    n_layers: int,
    criterion: Criterion,
    starts: Array,
    optimizer: str = "bfgs",
    max_iter: int | None = None,
    seed: int = 0,
) -> Trained:
    """Factorise `matrices` `(n, N, N)` from `starts` `(n, n_parameters)` by linear algebra.

    All problems run side by side; entries should be about 1 at most, as circuits have them.
    """
    objective = ExactObjective(matrices, n_layers, criterion)
    found = minimise(optimizer, objective, starts, max_iter, seed)
    u, v = objective.vectors(found.theta)
    c = objective.elements(found.theta, np.arange(len(starts)))
    size, counts = starts.shape[1], (found.n_values, found.n_gradients)
    circuits = circuit_runs(criterion, size, *counts, criterion.circuits)
    return Trained(decompose(criterion, u, v, c), found.theta, -found.value, circuits)


def n_parameters(n_qubits: int, n_layers: int) -> int:
    """Return the number of angles of U and V together."""
    return 4 * n_qubits * n_layers


def random_angles(n_starts: int, size: int, seed: int) -> Array:
    """Return starts `(n_starts, size)`, uniform on [-pi, pi); start k depends on seed and k."""
    return np.array(
        [np.random.default_rng([seed, k]).uniform(-np.pi, np.pi, size) for k in range(n_starts)]
    )


def circuit_runs(
    criterion: Criterion, n_parameters: int, n_values: Counts, n_gradients: Counts, per_value: int
) -> dict[str, Counts]:
    """Return how many circuits a device would have run for the training, by kind of gradient.

    `finite_difference` is scipy's default, one more evaluation per parameter, as in
    arXiv:2310.19504; `parameter_shift` see `Criterion.shifts`. `per_value` is how many circuits one
    value of the objective takes, `Criterion.circuits` with the published ones.
    """
    return {
        "finite_difference": per_value * (n_values + n_gradients * n_parameters),
        "parameter_shift": per_value * (n_values + n_gradients * n_parameters * criterion.shifts),
    }


def readout_runs(criterion: Criterion) -> int:
    """Return how many circuits give the d_j, or C, once.

    They are Hadamard tests, for real and imaginary parts; the one circuit of the coincidence
    objective gives all |d_j|, and its phases are computed.
    """
    if criterion.kind == "coincidence":
        return 1
    return 2 * (criterion.rank**2 if criterion.kind == "subspace" else criterion.rank)
