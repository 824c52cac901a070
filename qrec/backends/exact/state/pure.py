"""Batches of pure states as their Pauli expectation values, by way of their amplitudes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from qrec.backends.exact.machine.constants import constant
from qrec.backends.exact.read.pauli import paulis
from qrec.backends.exact.read.program import Operation, Program
from qrec.backends.exact.state.evolution import Evolution


class PurePaulis:
    """The Pauli expectation values of a small noiseless factor, by way of its state vector.

    <psi|P|psi> is linear in the products psi_i^* psi_j: 4^m numbers from 2^m amplitudes.
    `strings` are the codes of those that can differ from zero, ascending: a string with an odd
    number of Y is antisymmetric and vanishes where amplitudes are real.
    """

    def __init__(
        self,
        qubits: tuple[int, ...],
        operations: Sequence[Operation],
        row_columns: Sequence[bool],
    ) -> None:
        own = [replace(op, qubits=tuple(qubits.index(q) for q in op.qubits)) for op in operations]
        program = Program(len(qubits), len(row_columns), tuple(own))
        self._evolution = Evolution(program, row_columns, program.is_real)
        last = self._evolution.last
        observed = paulis(len(qubits))
        symmetric = (observed == observed.mT).all(axis=(1, 2))
        self.strings = np.flatnonzero(symmetric | (not program.is_real))
        inverse = last.inverse()
        moved = observed[self.strings][:, inverse.source][:, :, inverse.source]
        phases = inverse.phase[:, None].conj() * inverse.phase
        flat = (moved * phases.conj()).reshape(len(self.strings), -1)
        self._observed = flat  # seen after `last`

    def cost_per_row(self) -> float:
        """Return what one row costs, see `method`."""
        return self._evolution.cost_per_row() + self._observed.shape[1] * (3.0 + len(self.strings))

    def __call__(self, shared: Tensor, rows: Tensor) -> Tensor:
        """Return the values `(n_strings, n_rows)` of `strings`."""
        psi = self._evolution.fix(shared)(rows)
        products = (psi.conj()[:, None] * psi).reshape(len(psi) ** 2, -1)
        if psi.is_complex():
            return (constant(self._observed, psi) @ products).real
        return constant(self._observed, psi) @ products
