"""The quantum autoencoder, trained by linear algebra, beside the PCA that it approximates."""

from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from qrec.errors import ConfigError
from qrec.seeds import child_seed
from qrec.svd._checks import as_matrix, check_integer, check_one_of
from qrec.svd.ansatz import Ansatz
from qrec.svd.objectives import Indices
from qrec.svd.optimisers import minimise
from qrec.types import Array

Cost = Literal["global", "local"]
COSTS: tuple[Cost, ...] = get_args(Cost)


class QuantumAutoencoder(BaseEstimator):  # type: ignore[misc]
    """Compress unit vectors of 2^n real amplitudes into `n_latent` qubits.

    Romero, Olson, Aspuru-Guzik, Quantum Sci. Technol. 2, 045001 (2017); the circuit is
    `qrec.circuits.autoencoder`. `cost` is "global", one minus the mean probability that all
    trash qubits read zero, or "local", the mean of (1 - <Z>) / 2 over trash qubits, whose gradient
    does not vanish with their number (Cerezo et al., Nature Communications 12, 1791, 2021) but
    whose minimum is another. Trained by BFGS from `n_init` random starts, of which the one with
    the least cost counts.

    With V the first 2^n_latent columns of the ansatz and rho the mean of |x><x|, the mean
    probability is tr(V^T rho V), and by Ky Fan's theorem no unitary exceeds the sum of the
    2^n_latent largest eigenvalues of rho: what uncentred PCA keeps (`principal_axes`).

    Fitted: `theta_` (n_layers n,); `unitary_`, E^T, and of it `axes_`, V; `fidelity_`, the mean
    probability that the trash reads zero, which bounds that of recovering the input; `cost_`.
    """

    theta_: Array
    unitary_: Array
    axes_: Array

    def __init__(
        self,
        n_latent: int = 2,
        n_layers: int = 8,
        cost: str = "global",
        n_init: int = 3,
        max_iter: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.n_latent = n_latent
        self.n_layers = n_layers
        self.cost = cost
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, rows: ArrayLike, y: None = None) -> Self:
        """Learn from `rows` `(m, 2^n)`, each divided by its norm; rows of zeros do not count.

        Raises ConfigError for rows that are not that, and for impossible parameters.
        """
        del y
        rho = density(rows)
        n = len(rho).bit_length() - 1
        check_integer("n_latent", self.n_latent, 1, n - 1)
        for name in ("n_layers", "n_init"):
            check_integer(name, getattr(self, name), 1)
        check_one_of("cost", self.cost, COSTS)
        if self.max_iter is not None:
            check_integer("max_iter", self.max_iter, 1)
        objective = TrashCost(rho, self.n_latent, self.n_layers, self.cost)
        starts = np.array(
            [
                np.random.default_rng(child_seed(self.random_state, "start", k)).uniform(
                    -np.pi, np.pi, self.n_layers * n
                )
                for k in range(self.n_init)
            ]
        )
        found = minimise("bfgs", objective, starts, self.max_iter)
        best = int(np.argmin(found.value))
        self.theta_, self.cost_ = found.theta[best], float(found.value[best])
        self.unitary_ = objective.unitary(self.theta_)
        self.axes_ = self.unitary_[:, : 2**self.n_latent]
        self.fidelity_ = kept(rho, self.axes_)
        return self

    def transform(self, rows: ArrayLike) -> Array:
        """Return the latent amplitudes beside trash in |0...0>, `(m, 2^n_latent)`: V^T x."""
        check_is_fitted(self)
        return np.asarray(unit_rows(rows) @ self.axes_)

    def expectations(self, rows: ArrayLike) -> Array:
        """Return <Z> of each latent qubit, then <X> of each, `(m, 2 n_latent)`.

        What a device reads of them, whatever the trash reads; qubit 0 is the lowest.
        """
        check_is_fitted(self)
        states = unit_rows(rows) @ self.unitary_
        index = np.arange(states.shape[1])
        bits = [1 << qubit for qubit in range(self.n_latent)]
        z = [(states**2) @ np.where(index & bit, -1.0, 1.0) for bit in bits]
        x = [(states * states[:, index ^ bit]).sum(axis=1) for bit in bits]
        return np.column_stack(z + x)


class TrashCost:
    """The cost and its gradient by the angles, as an `Objective`; every row is another start.

    `rho` is `(2^n, 2^n)`. Where reading i costs h_i, the whole is sum_i h_i <i|E rho E^T|i>: the
    local h_i is the share of trash qubits that are one in i, the global one whether any is. The
    latter is computed from the columns of E^T that it leaves out.
    """

    def __init__(self, rho: Array, n_latent: int, n_layers: int, cost: str) -> None:
        size = len(rho)
        n = size.bit_length() - 1
        self._rho = rho
        self._shape = (n_layers, 2, n)
        if cost == "local":
            ones = np.bitwise_count(np.arange(size) >> n_latent)
            self._base, self._weights = 0.0, ones / (n - n_latent)
        else:
            self._base, self._weights = float(np.trace(rho)), -np.ones(2**n_latent)
        self._ansatz = Ansatz(n, n_layers, len(self._weights))

    def value(self, theta: Array, rows: Indices) -> Array:
        columns = self._ansatz.columns(self._full(theta)).real
        return self._cost(columns, self._rho @ columns)

    def value_and_gradient(self, theta: Array, rows: Indices) -> tuple[Array, Array]:
        columns, tape = self._ansatz.columns_and_tape(self._full(theta))
        image = self._rho @ columns.real
        gradient = self._ansatz.gradient(tape, (2 * self._weights * image).astype(complex))
        of_ry = gradient.reshape(-1, *self._shape)[:, :, 1]
        return self._cost(columns.real, image), of_ry.reshape(theta.shape)

    def unitary(self, theta: Array) -> Array:
        """Return E^T, the matrix of the ansatz at angles `(n_parameters,)`."""
        n_layers, _, n = self._shape
        return np.asarray(Ansatz(n, n_layers, 2**n).columns(self._full(theta[None]))[0].real)

    def _cost(self, columns: Array, image: Array) -> Array:
        return np.asarray(self._base + (columns * image).sum(axis=1) @ self._weights)

    def _full(self, theta: Array) -> Array:
        """Return the angles of `layered_ansatz`, those of RZ being zero."""
        n_layers, _, n = self._shape
        full = np.zeros((len(theta), *self._shape))
        full[:, :, 1] = theta.reshape(-1, n_layers, n)
        return full.reshape(len(theta), -1)


def principal_axes(rows: ArrayLike, n_components: int) -> Array:
    """Return the leading eigenvectors of `density`, `(2^n, n_components)`: uncentred PCA.

    Each has its largest entry positive. Raises ConfigError as `density` does.
    """
    _, vectors = np.linalg.eigh(density(rows))
    axes = vectors[:, ::-1][:, :n_components]
    largest = np.argmax(np.abs(axes), axis=0)
    return np.asarray(axes * np.sign(axes[largest, np.arange(axes.shape[1])]))


def kept(rho: Array, axes: Array) -> float:
    """Return tr(V^T rho V), the share of the mean squared norm that orthonormal axes keep."""
    return float(np.trace(axes.T @ rho @ axes))


def density(rows: ArrayLike) -> Array:
    """Return the mean of |x><x| over the rows that are not zero, `(2^n, 2^n)`.

    Raises ConfigError where the rows are not real, not of length 2^n >= 4, or all zero.
    """
    unit = unit_rows(rows)
    n_rows = int(unit.any(axis=1).sum())
    if n_rows == 0:
        raise ConfigError("rows are all zero: nothing to compress")
    return np.asarray(unit.T @ unit / n_rows)


def unit_rows(rows: ArrayLike) -> Array:
    """Return rows `(m, 2^n)` over their norms, zeros where a row is zero."""
    array = as_matrix(rows)
    size = array.shape[1]
    if np.iscomplexobj(array) or size < 4 or size & (size - 1):
        raise ConfigError(
            f"rows of {size} {array.dtype} entries: expected 2^n real ones, n at least 2"
        )
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    return np.asarray(np.divide(array, norms, out=np.zeros_like(array), where=norms > 0))
