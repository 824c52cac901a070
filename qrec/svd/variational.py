"""The variational quantum singular value decomposition as an estimator."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from qrec.backends.open import Openable, open_backend
from qrec.backends.workload import Asked
from qrec.errors import ConfigError
from qrec.svd._checks import as_matrix, check_integer, check_one_of, check_weights
from qrec.svd.ansatz import Complex
from qrec.svd.factors import circuit_runs, decompose, n_parameters, random_angles, readout_runs
from qrec.svd.measured import FORMS, MeasuredObjective, is_ideal
from qrec.svd.objectives import KINDS, Criterion, ExactObjective
from qrec.svd.optimisers import OPTIMIZERS, minimise, most_calls
from qrec.types import Array


class VariationalSVD(BaseEstimator):  # type: ignore[misc]
    """Truncated singular value decomposition by two trained circuits, U and V.

    Wang, Song, Wang, Quantum 5, 483 (2021); Jojo, Khandelwal, Chandra, arXiv:2310.19504;
    Bravo-Prieto, García-Martín, Latorre, Phys. Rev. A 101, 062310 (2020). Both circuits are
    `layered_ansatz` with `n_layers` layers, trained from `n_init` random starts; the start with
    the best objective counts. The matrix is divided by its largest magnitude and padded with
    zeros to 2^n x 2^n, and the factors are cropped again.

    - `objective` is "original", "modified", "subspace" or "coincidence", see
      `qrec.svd.objectives.Criterion`; `weights` are the q_j `(rank,)` of the original one, by
      default rank, ..., 2, 1.
    - `optimizer` is "bfgs" (scipy's steps), "adam" or "spsa" (for shots and noise), with
      `max_iter` iterations or its own default.
    - `backend`: on the noiseless one, which None is, everything is linear algebra, with exact
      gradients; any other runs the circuits that `form` names, see
      `qrec.svd.measured.objective_probes`, with gradients by parameter shift, and takes real
      matrices only.
    - `coincident_only`: of the coincidence objective on a backend that runs circuits, read the
      values from shots alone in which the parties agree, see
      `qrec.svd.measured.coincident_values`: mitigation for no more shots, right where training
      ended at agreement, and too large where it did not.

    The vectors are computed from the trained angles: a state vector of n qubits each. Those of
    a singular value of zero (1e-9 of the largest, or less) lie partly in the padding; where it
    is cropped, orthonormal ones beside the others take their place, as any may.

    Fitted: `singular_values_` (rank,), largest first; `left_` (n_rows, rank) and `right_`
    (n_columns, rank), complex, so that M ~ left diag(s) right^dag; `theta_`, the angles of U,
    then of V; `objective_`, the best objective in units of the matrix (infinite where its square
    is beyond float64), and `history_`, one array per start with its values by iteration;
    `n_circuits_`, how many circuits a device runs
    for all starts, with ``finite_difference`` gradients as published, with ``parameter_shift``,
    and for the ``readout`` of the values.
    """

    singular_values_: Array
    left_: Complex
    right_: Complex

    def __init__(
        self,
        rank: int = 2,
        n_layers: int = 4,
        objective: str = "modified",
        optimizer: str = "bfgs",
        backend: Openable = None,
        n_init: int = 10,
        random_state: int = 0,
        max_iter: int | None = None,
        weights: ArrayLike | None = None,
        form: str = "published",
        coincident_only: bool = True,
    ) -> None:
        self.rank = rank
        self.n_layers = n_layers
        self.objective = objective
        self.optimizer = optimizer
        self.backend = backend
        self.n_init = n_init
        self.random_state = random_state
        self.max_iter = max_iter
        self.weights = weights
        self.form = form
        self.coincident_only = coincident_only

    def fit(self, matrix: ArrayLike, y: None = None) -> Self:
        """Factorise a matrix `(n_rows, n_columns)` of real or complex numbers.

        Raises ConfigError for a matrix that is empty, not two-dimensional, not of numbers or
        not finite, and for a parameter that cannot be right; the message says which and why.
        """
        del y
        array = as_matrix(matrix)
        criterion = self._criterion(array)
        padded, scale = pad(array)
        size = n_parameters(len(padded).bit_length() - 1, self.n_layers)
        starts = random_angles(self.n_init, size, self.random_state)
        everything = np.broadcast_to(padded, (self.n_init, *padded.shape))
        exact = ExactObjective(everything, self.n_layers, criterion)
        measured = self._measured(padded, criterion)
        found = minimise(
            self.optimizer, measured or exact, starts, self.max_iter, self.random_state
        )
        best = np.argmin(found.value, keepdims=True)
        theta = found.theta[best]
        c = measured.elements(theta[0])[None] if measured else exact.elements(theta, best)
        factors = decompose(criterion, *exact.vectors(theta), c)
        self.theta_ = theta[0]
        self.singular_values_ = factors.singular_values[0] * scale
        self.left_ = _cropped(factors.left[0], array.shape[0], factors.singular_values[0])
        self.right_ = _cropped(factors.right[0], array.shape[1], factors.singular_values[0])
        with np.errstate(over="ignore"):
            unit = np.float64(scale) ** (1 if criterion.kind == "original" else 2)
            self.objective_ = float(-found.value[best[0]] * unit)
            self.history_ = [-values * unit for values in found.history]
        per_value = measured.circuits_per_value if measured else criterion.circuits
        runs = circuit_runs(criterion, size, found.n_values, found.n_gradients, per_value)
        self.n_circuits_ = {name: int(count.sum()) for name, count in runs.items()}
        self.n_circuits_["readout"] = readout_runs(criterion)
        return self

    def questions(self, matrix: ArrayLike) -> list[Asked]:
        """Return the most that `fit` of this matrix asks of the backend; raises as `fit` does.

        All starts ask together; the bound is that of no start ending early, and for "bfgs" of
        line searches that each take as many trials as they may.
        """
        array = as_matrix(matrix)
        padded, _ = pad(array)
        measured = self._measured(padded, self._criterion(array))
        if measured is None:
            return []
        size = n_parameters(len(padded).bit_length() - 1, self.n_layers)
        calls = most_calls(self.optimizer, size, self.max_iter)
        return measured.questions(np.zeros((self.n_init, size)), *calls)

    def reconstruct(self, rank: int | None = None) -> Complex:
        """Return the matrix of the first `rank` terms, all by default, `(n_rows, n_columns)`.

        Complex, and of that rank: for a real matrix the imaginary part is error. Raises
        ConfigError for a rank beyond what was fitted.
        """
        check_is_fitted(self)
        fitted = len(self.singular_values_)
        rank = fitted if rank is None else check_integer("rank", rank, 0, fitted)
        left = self.left_[:, :rank] * self.singular_values_[:rank]
        return np.asarray(left @ self.right_[:, :rank].conj().T)

    def _measured(self, padded: NDArray[Any], criterion: Criterion) -> MeasuredObjective | None:
        """Return the objective on the backend, None where linear algebra takes its place."""
        backend = open_backend(self.backend)
        if is_ideal(backend):
            return None
        if np.iscomplexobj(padded):
            raise ConfigError(
                "matrix has complex entries, which the circuits' rotations cannot hold; "
                f"backend {backend.name!r} takes real ones, the exact backend both"
            )
        return MeasuredObjective(
            backend, padded, self.n_layers, criterion, self.form, self.coincident_only
        )

    def _criterion(self, array: NDArray[Any]) -> Criterion:
        """Check the parameters and return the objective."""
        check_integer("rank", self.rank, 1, min(array.shape))
        for name in ("n_layers", "n_init"):
            check_integer(name, getattr(self, name), 1)
        check_integer("random_state", self.random_state, 0)
        if self.max_iter is not None:
            check_integer("max_iter", self.max_iter, 1)
        check_one_of("objective", self.objective, KINDS)
        check_one_of("optimizer", self.optimizer, OPTIMIZERS)
        check_one_of("form", self.form, FORMS)
        check_one_of("coincident_only", self.coincident_only, (True, False))
        if self.weights is None:
            return Criterion.of_rank(self.objective, self.rank)
        return Criterion(self.objective, check_weights(self.weights, self.rank, self.objective))


def _cropped(vectors: Complex, size: int, singular_values: Array) -> Complex:
    """Return the first `size` rows, orthonormal also where the singular value is zero."""
    null = singular_values <= 1e-9 * singular_values.max()
    out = vectors[:size]
    if size < len(vectors) and null.any():
        basis, _ = np.linalg.qr(np.hstack([out[:, ~null], out[:, null]]))
        out[:, null] = basis[:, np.count_nonzero(~null) :]
    return out


def pad(array: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """Return a matrix, divided by its largest magnitude, in a corner of 2^n x 2^n zeros.

    The second value is that magnitude, 1 for a matrix of zeros: with entries up to 1 a
    circuit's signal is as large as it can be, and the optimiser's tolerance has a meaning.
    """
    size = max(2, 1 << (max(array.shape) - 1).bit_length())
    scale = float(np.abs(array).max()) or 1.0
    padded = np.zeros((size, size), array.dtype)
    padded[: array.shape[0], : array.shape[1]] = array / scale
    return padded, scale
