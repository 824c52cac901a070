"""The variational SVD trained by linear algebra on many matrices from many starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from qrec.config import ExperimentSpec, Spec
from qrec.errors import ConfigError
from qrec.seeds import child_seed
from qrec.svd.factors import (
    Trained,
    n_parameters,
    random_angles,
    readout_runs,
    train,
)
from qrec.svd.objectives import KINDS, Criterion, Kind
from qrec.types import Array, Row

OPTIMUM = "optimum"  # Eckart and Young's, beside the objectives
Positive = Annotated[int, Field(ge=1)]


class MatrixSize(Spec):
    """Matrices of 2^n_qubits x 2^n_qubits, and the depths of ansatz that are tried on them."""

    n_qubits: Annotated[int, Field(ge=1, le=6)]
    layers: Annotated[list[Positive], Field(min_length=1)]


class VQSVDSpec(ExperimentSpec):
    """The fields of all experiments that train on matrices by linear algebra."""

    objectives: Annotated[list[Kind], Field(min_length=1)] = [*KINDS]  # noqa: RUF012
    n_starts: Positive = 10


@dataclass(frozen=True, kw_only=True)
class SweepRow(Row):
    """What an objective reaches with the factors of one depth and rank.

    Errors are squared Frobenius norms over the number of cells. Circuit runs are those of one
    start, mean over starts, by kind of gradient, and those that read the result out; the optimum
    has none. Standard errors are over matrices, None where there is one.
    """

    VALUES: ClassVar[tuple[str, ...]] = ("mse", "circuits_finite_difference")

    n_layers: int
    rank: int
    objective: str  # or "optimum"
    mse: float
    mse_stderr: float | None
    circuits_finite_difference: float | None = None
    circuits_finite_difference_stderr: float | None = None
    circuits_parameter_shift: float | None = None
    circuits_parameter_shift_stderr: float | None = None
    circuits_readout: int | None = None


@dataclass(frozen=True, eq=False)
class Sweep:
    """One objective trained on several matrices from several starts; arrays (matrix, start)."""

    trained: Trained
    error: Array  # (m, s) squared Frobenius norm of what the factors leave
    optimum: Array  # (m,) the least possible of a rank-T matrix (Eckart, Young)
    best: NDArray[np.intp]  # (m,) the start with the best objective: what a user would keep
    circuits: dict[str, Array]  # (m, s) by kind of gradient
    readout: int

    def at_best(self, values: Array) -> Array:
        """Return `values` (m, s) at the best starts, `(m,)`."""
        return np.take_along_axis(values, self.best[:, None], axis=1)[:, 0]


def sweep(matrices: Array, n_layers: int, kind: str, rank: int, n_starts: int, seed: int) -> Sweep:
    """Train on every matrix `(m, N, N)` from the same `n_starts` starts as other objectives."""
    m, size = len(matrices), matrices.shape[1]
    criterion = Criterion.of_rank(kind, rank)
    angles = n_parameters(size.bit_length() - 1, n_layers)
    starts = [random_angles(n_starts, angles, child_seed(seed, "starts", k)) for k in range(m)]
    repeated = np.repeat(matrices, n_starts, axis=0)
    return _swept(matrices, train(repeated, n_layers, criterion, np.concatenate(starts)), criterion)


def sweep_ranks(
    matrices: Array, n_layers: int, kind: str, n_starts: int, seed: int
) -> Iterator[Sweep]:
    """Yield `sweep` of the ranks 1, 2, ... N.

    The coincidence objective is the same for all of them: it is trained once.
    """
    ranks = range(1, matrices.shape[1] + 1)
    if kind != "coincidence":
        yield from (sweep(matrices, n_layers, kind, rank, n_starts, seed) for rank in ranks)
        return
    trained = sweep(matrices, n_layers, kind, ranks[-1], n_starts, seed).trained
    yield from (_swept(matrices, trained, Criterion.of_rank(kind, rank)) for rank in ranks)


def _swept(matrices: Array, trained: Trained, criterion: Criterion) -> Sweep:
    """Return what is left of `matrices` by as many of the trained factors as the rank says."""
    m, rank = len(matrices), criterion.rank
    n_starts = len(trained.value) // m
    repeated = np.repeat(matrices, n_starts, axis=0)
    left = np.abs(repeated - trained.factors.reconstruct(rank)) ** 2
    singular = np.linalg.svd(matrices, compute_uv=False)
    circuits = {name: n.reshape(m, n_starts).astype(float) for name, n in trained.circuits.items()}
    return Sweep(
        trained,
        left.sum(axis=(1, 2)).reshape(m, n_starts),
        (singular[:, rank:] ** 2).sum(axis=1),
        trained.value.reshape(m, n_starts).argmax(axis=1),
        circuits,
        readout_runs(criterion),
    )


def mean_and_error(values: Array) -> tuple[float, float | None]:
    """Return the mean of `values` `(m,)` and its standard error, if there are several."""
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return float(values.mean()), error


def with_error(name: str, values: Array) -> dict[str, Any]:
    """Return the fields of the mean of `values` `(m,)` and of its standard error, if any."""
    mean, error = mean_and_error(values)
    return {name: mean, f"{name}_stderr": error}


def circuit_columns(found: Sweep) -> dict[str, Any]:
    """Return the fields of `SweepRow` that count circuit runs."""
    columns: dict[str, Any] = {}
    for name, runs in found.circuits.items():
        columns |= with_error(f"circuits_{name}", runs.mean(axis=1))
    return columns | {"circuits_readout": found.readout}


def uniform_matrices(n_qubits: int, count: int, lowest: float, seed: int) -> Array:
    """Return matrices `(count, N, N)` with entries uniform on [lowest, 1]."""
    seeds = (child_seed(seed, "matrix", n_qubits, k) for k in range(count))
    return np.array([_uniform(n_qubits, lowest, each) for each in seeds])


def scaled_matrix(n_qubits: int, seed: int) -> Array:
    """Return a matrix `(N, N)`, entries uniform on [-1, 1], over its largest magnitude."""
    matrix = _uniform(n_qubits, -1.0, seed)
    return np.asarray(matrix / np.abs(matrix).max())


def check_rank(rank: int, n_qubits: int, said: str = "rank: found") -> None:
    """Raise ConfigError for a rank beyond the side of a matrix 2^n x 2^n."""
    side = 2**n_qubits
    if rank > side:
        raise ConfigError(f"{said} {rank}; expected at most {side}, the matrix's side")


def _uniform(n_qubits: int, lowest: float, seed: int) -> Array:
    return np.random.default_rng(seed).uniform(lowest, 1.0, (2**n_qubits, 2**n_qubits))
