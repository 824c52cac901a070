"""What the experiments with the variational SVD have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from pydantic import Field

from qrec.analysis.figures import CIRCLE, CROSS, SQUARE, TRIANGLE, draw_errors
from qrec.analysis.table import number
from qrec.config import ExperimentSpec, Spec
from qrec.errors import ConfigError
from qrec.experiments._tasks import Row
from qrec.seeds import child_seed
from qrec.svd.ansatz import Real
from qrec.svd.factors import (
    Trained,
    circuit_runs,
    n_parameters,
    random_angles,
    readout_runs,
    train,
)
from qrec.svd.objectives import KINDS, Score

OPTIMUM = "optimum"  # Eckart and Young's, beside the objectives
STYLES = {"original": CIRCLE, "modified": SQUARE, "subspace": TRIANGLE, OPTIMUM: CROSS}
Positive = Annotated[int, Field(ge=1)]
KindName = Annotated[str, Field(pattern=f"^({'|'.join(KINDS)})$")]


class Size(Spec):
    """Matrices of 2^n_qubits x 2^n_qubits, and the depths of ansatz that are tried on them."""

    n_qubits: Annotated[int, Field(ge=1, le=6)]
    layers: Annotated[list[Positive], Field(min_length=1)]


class VQSVDSpec(ExperimentSpec):
    """The fields of all experiments that train on matrices by linear algebra."""

    objectives: Annotated[list[KindName], Field(min_length=1)] = [*KINDS]  # noqa: RUF012
    n_starts: Positive = 10

    def with_backends(self, names: list[str]) -> Any:
        raise ConfigError(
            f"experiment {self.name!r} is linear algebra and has no backend for {names}; "
            "vqsvd_noise runs circuits"
        )


@dataclass(frozen=True, eq=False)
class Sweep:
    """One objective trained on several matrices from several starts; arrays (matrix, start)."""

    trained: Trained
    error: Real  # (m, s) squared Frobenius norm of what the factors leave
    optimum: Real  # (m,) the least possible of a rank-T matrix (Eckart, Young)
    best: NDArray[np.intp]  # (m,) the start with the best objective: what a user would keep
    circuits: dict[str, Real]  # (m, s) by kind of gradient
    readout: int

    def at_best(self, values: Real) -> Real:
        """Return `values` (m, s) at the best starts, `(m,)`."""
        return np.take_along_axis(values, self.best[:, None], axis=1)[:, 0]


def sweep(matrices: Real, n_layers: int, kind: str, rank: int, n_starts: int, seed: int) -> Sweep:
    """Train on every matrix `(m, N, N)` from the same `n_starts` starts as other objectives."""
    m, size = len(matrices), matrices.shape[1]
    score = Score(kind, np.arange(rank, 0, -1.0))
    angles = n_parameters(size.bit_length() - 1, n_layers)
    starts = [random_angles(n_starts, angles, child_seed(seed, "starts", k)) for k in range(m)]
    repeated = np.repeat(matrices, n_starts, axis=0)
    trained = train(repeated, n_layers, score, np.concatenate(starts))
    left = np.abs(repeated - trained.factors.reconstruct(rank)) ** 2
    singular = np.linalg.svd(matrices, compute_uv=False)
    runs = circuit_runs(score, angles, trained.n_values, trained.n_gradients, rank)
    return Sweep(
        trained,
        left.sum(axis=(1, 2)).reshape(m, n_starts),
        (singular[:, rank:] ** 2).sum(axis=1),
        trained.value.reshape(m, n_starts).argmax(axis=1),
        {name: count.reshape(m, n_starts).astype(float) for name, count in runs.items()},
        readout_runs(score),
    )


def with_error(name: str, values: Real) -> dict[str, float | None]:
    """Return the mean of `values` `(m,)` and its standard error, None for a single one."""
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {name: float(values.mean()), f"{name}_stderr": error}


def circuit_columns(found: Sweep) -> dict[str, Any]:
    """Return the circuit runs of one start, averaged over starts; errors are over matrices."""
    columns: dict[str, Any] = {}
    for name, runs in found.circuits.items():
        columns |= with_error(f"circuits_{name}", runs.mean(axis=1))
    return columns | {"circuits_readout": found.readout}


def uniform_matrices(n_qubits: int, count: int, lowest: float, seed: int) -> Real:
    """Return matrices `(count, N, N)` with entries uniform on [lowest, 1]."""
    shape = (2**n_qubits, 2**n_qubits)
    return np.array(
        [
            np.random.default_rng(child_seed(seed, "matrix", n_qubits, k)).uniform(
                lowest, 1.0, shape
            )
            for k in range(count)
        ]
    )


# What the figures write on their vertical axis.
Y_LABELS = {
    "mse": "mean squared error",
    "best_mse": "mean squared error",
    "psnr": "PSNR, dB",
    "circuits_finite_difference": "circuit runs",
}


def draw_lines(axes: Axes, rows: Sequence[Row], x: str, y: str) -> None:
    """Draw y against x with its standard error, one line per objective."""
    for name in dict.fromkeys(row["objective"] for row in rows):
        line = [row for row in rows if row["objective"] == name]
        xs, ys = ([row[key] for row in line] for key in (x, y))
        errors = [row.get(f"{y}_stderr") for row in line]
        dashes = ":" if name == OPTIMUM else "-"
        draw_errors(axes, STYLES[name], xs, ys, yerr=errors, linestyle=dashes, label=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def by_objective(
    rows: Sequence[Row], keys: Sequence[str], value: str, digits: int
) -> tuple[list[str], list[list[str]]]:
    """Return columns and text for one line per value of `keys`, one column per objective."""
    names = [name for name in STYLES if any(r["objective"] == name and value in r for r in rows)]
    lines: dict[tuple[Any, ...], dict[str, str]] = {}
    for row in rows:
        if value in row:
            stderr = row.get(f"{value}_stderr")
            text = number(row[value], digits)
            text += "" if stderr is None else f" ± {stderr:.{digits}f}"
            lines.setdefault(tuple(row[key] for key in keys), {})[row["objective"]] = text
    body = [
        [*(f"{k:g}" if isinstance(k, float) else str(k) for k in key)]
        + [line.get(name, "-") for name in names]
        for key, line in lines.items()
    ]
    return names, body
