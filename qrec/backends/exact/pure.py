"""Batches of pure states as their Pauli expectation values, by way of their amplitudes."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from qrec.backends.exact.evolution import Evolution
from qrec.backends.exact.pauli import paulis
from qrec.backends.exact.program import Operation, Program


class PurePaulis:
    """The Pauli expectation values of a small noiseless factor, by way of its state vector.

    <psi|P|psi> is linear in the products psi_i^* psi_j: 4^m numbers from 2^m amplitudes.
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
        strings = paulis(len(qubits))  # seen after `last`
        inverse = last.inverse()
        moved = strings[:, inverse.source][:, :, inverse.source]
        phases = inverse.phase[:, None].conj() * inverse.phase
        self._strings = torch.from_numpy((moved * phases.conj()).reshape(len(strings), -1))

    def __call__(self, shared: Tensor, rows: Tensor) -> Tensor:
        """Return the values `(4^m, n_rows)`, strings in the order of their codes."""
        psi = self._evolution.fix(shared)(rows)
        products = (psi.conj()[:, None] * psi).reshape(len(psi) ** 2, -1)
        if psi.is_complex():
            return (self._strings.to(psi) @ products).real
        return self._strings.real.to(psi) @ products
