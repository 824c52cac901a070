"""Expectation values and outcome probabilities from batches of state vectors."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from qrec.backends.exact.machine.constants import constant
from qrec.backends.exact.read.cone import light_cone
from qrec.backends.exact.read.pauli import local
from qrec.backends.exact.read.program import Program
from qrec.backends.exact.read.question import ObservedProgram, narrow
from qrec.backends.exact.state.evolution import Evolution
from qrec.backends.exact.state.projection import projection
from qrec.backends.exact.state.quadratic import quadratic, squares


class StateVector:
    """A program and an observable, planned for parameters that are shared or differ by row.

    Gates outside the observable's light cone are left out, and amplitudes stay real where
    circuit and observable are. Of the last block only the rows that are read are computed, where
    that can be (see `projection`).
    """

    def __init__(self, observed: ObservedProgram, row_columns: Sequence[bool]) -> None:
        seen, kept = light_cone(observed.program, observed.codes)
        codes = local(observed.codes, kept)
        observable = quadratic(codes, observed.coefficients, len(kept))
        self.evolution = Evolution(seen, row_columns, seen.is_real and observable.is_real)
        self._observable = observable.after(self.evolution.last)
        kernels = self.evolution.kernels
        self._projection = projection(self._observable, kernels[-1]) if kernels else None

    def __call__(self, shared: Tensor, rows: Tensor) -> Tensor:
        """Return the expectation values `(n_rows,)`."""
        return self.fix(shared)(rows)

    def fix(self, shared: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function of the rows `(n_row_parameters, n_rows)` at shared parameters."""
        evolution, buffers = self.evolution, self.evolution.buffers
        matrices = evolution.matrices(shared)
        read = partial(self._observable, buffers=buffers)
        if self._projection is not None:
            last = matrices.pop()  # so that `run` stops before it
            assert last is not None
            kept = self._projection.kept(last)
            read = partial(self._projection, kept=kept, buffers=buffers)
        return lambda rows: read(evolution.run(shared, rows, matrices)).expand(rows.shape[1])

    @property
    def n_read(self) -> int:
        """How many amplitudes are computed in the end."""
        return 2**self.evolution.n_qubits if self._projection is None else self._projection.n_read

    def cost_per_row(self) -> float:
        """Return what one row costs, see `method`."""
        return self.evolution.cost_per_row()

    def numbers_per_row(self) -> int:
        """Return how many real numbers a row takes."""
        return self.evolution.numbers_per_row()


class JointStateVector:
    """Several observables of one program, read from the same states."""

    def __init__(self, observed: Sequence[ObservedProgram], row_columns: Sequence[bool]) -> None:
        codes = np.concatenate([one.codes for one in observed])
        seen, kept = light_cone(observed[0].program, codes)
        observables = [
            quadratic(local(one.codes, kept), one.coefficients, len(kept)) for one in observed
        ]
        real = seen.is_real and all(observable.is_real for observable in observables)
        self._evolution = Evolution(seen, row_columns, real)
        self._observables = [one.after(self._evolution.last) for one in observables]

    def numbers_per_row(self) -> int:
        """Return how many real numbers a row takes."""
        return self._evolution.numbers_per_row()

    def fix(self, shared: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function from rows to values `(n_observables, n_rows)`."""
        evolve, buffers = self._evolution.fix(shared), self._evolution.buffers

        def values(rows: Tensor) -> Tensor:
            psi = evolve(rows)
            read = [observable(psi, buffers) for observable in self._observables]
            return torch.stack(read).expand(-1, rows.shape[1])

        return values


def join(
    observed: Sequence[ObservedProgram], alone: Sequence[StateVector], row_columns: Sequence[bool]
) -> JointStateVector | None:
    """Return several state vectors `alone` as one, unless it takes more qubits than each does."""
    if len(alone) < 2 or any(one.program is not observed[0].program for one in observed):
        return None
    codes = np.concatenate([one.codes for one in observed])
    seen, _ = light_cone(observed[0].program, codes)
    if seen.n_qubits > max(one.evolution.n_qubits for one in alone):
        return None
    return JointStateVector(observed, row_columns)


class OutcomeProbabilities:
    """Probabilities of all outcomes of measured qubits, planned like a `StateVector`."""

    def __init__(
        self, program: Program, measured: Sequence[int], row_columns: Sequence[bool]
    ) -> None:
        seen, kept = narrow(program, dict.fromkeys(measured, frozenset({3})))
        self.evolution = Evolution(seen, row_columns, seen.is_real)
        position = np.argsort(self.evolution.last.source)  # where each basis state ends
        outcome = np.zeros_like(position)
        for bit, qubit in enumerate(measured):
            outcome |= (position >> kept.index(qubit) & 1) << bit
        self._outcome, self._n = outcome, 2 ** len(measured)

    def fix(self, shared: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function from rows to probabilities `(2^n_measured, n_rows)`."""
        evolve = self.evolution.fix(shared)

        def probabilities(rows: Tensor) -> Tensor:
            psi = evolve(rows)
            chances = squares(psi, self.evolution.buffers)
            out = chances.new_zeros(self._n, chances.shape[1])
            return out.index_add_(0, constant(self._outcome, chances), chances).expand(
                -1, rows.shape[1]
            )

        return probabilities
