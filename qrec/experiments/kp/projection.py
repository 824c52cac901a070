"""A block of ratings, the circuits that project its rows, and the same by linear algebra."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from qiskit import QuantumCircuit

from qrec.circuits import kp_encoding, qsve, qsvt
from qrec.circuits.parts.encoding import BlockEncoding
from qrec.circuits.parts.polynomial import even_value, threshold_polynomial
from qrec.config import Spec
from qrec.errors import ConfigError
from qrec.experiments.kp.blocks import Side
from qrec.types import Array

Form = Literal["qsve", "qsvt"]
Even = Annotated[int, Field(ge=2, multiple_of=2)]


class Problem(Spec):
    """A block of ratings, the rank that is kept, and the sizes of the circuits that keep it."""

    n_users: Side
    n_items: Side
    rank: Annotated[int, Field(ge=1)]
    phase_qubits: list[Annotated[int, Field(ge=1, le=8)]] = Field(default_factory=list)  # of qsve
    degrees: list[Even] = Field(default_factory=list)  # of qsvt
    measured: list[Even] = Field(default_factory=list)  # degrees of qsvt run on the backends

    @property
    def name(self) -> str:
        """What steps are called after it."""
        return f"{self.n_users}x{self.n_items}.k{self.rank}"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.rank >= min(self.n_users, self.n_items):
            raise ConfigError(
                f"problems: rank: found {self.rank}, expected less than the shorter side of "
                f"{self.n_users} x {self.n_items}"
            )
        return self


@dataclass(frozen=True)
class Block:
    """A block of ratings with what its circuits need."""

    problem: Problem
    matrix: Array  # without users that have no rating in it: no state is their row

    @cached_property
    def encoding(self) -> BlockEncoding:
        return kp_encoding.encode(self.matrix)

    @cached_property
    def svd(self) -> tuple[Array, Array]:
        """The singular values in units of the subnormalisation, and the item vectors as rows."""
        _, values, vectors = np.linalg.svd(self.matrix, full_matrices=False)
        return values / self.encoding.subnormalisation, vectors

    @property
    def threshold(self) -> tuple[float, float]:
        """Threshold and gap."""
        kept, dropped = self.svd[0][self.problem.rank - 1 :][:2]
        threshold = float(kept + dropped) / 2
        # Rounding must not take a band out of [0, 1] where a value is 0 or 1.
        return threshold, min(float(kept - dropped), 2 * threshold, 2 * (1 - threshold))

    @property
    def rows(self) -> Array:
        """The rows that are projected, of users that have ratings in the block."""
        return self.matrix[self.matrix.any(axis=1)]

    def circuit(self, form: Form, size: int) -> QuantumCircuit:
        threshold, gap = self.threshold
        if form == "qsve":
            return qsve.projected(self.encoding, size, threshold)
        return qsvt.transformed(self.encoding, threshold_polynomial(size, threshold, gap))

    def probabilities(self, form: Form, size: int) -> Array:
        """Return P(success and item) `(n_rows, n_items)` by linear algebra."""
        values, vectors = self.svd
        threshold, gap = self.threshold
        if form == "qsve":
            share = qsve.kept_share(np.append(values, 0.0), size, threshold)
        else:
            coefficients = threshold_polynomial(size, threshold, gap)
            share = even_value(coefficients, np.append(values, 0.0))
        rows = self.rows / np.linalg.norm(self.rows, axis=1, keepdims=True)
        # Items beyond the rank have the singular value 0.
        filtered = share[-1] * rows + (rows @ vectors.T * (share[:-1] - share[-1])) @ vectors
        return np.asarray(filtered**2)

    def target(self) -> Array:
        """Return the squares of the truncated SVD's rows."""
        vectors = self.svd[1][: self.problem.rank]
        return np.asarray((self.rows @ vectors.T @ vectors) ** 2)
