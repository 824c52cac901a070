"""Gates that only move and rephase basis states, fused to one gather.

X, CX, SWAP, CCX, CSWAP permute; Z, S, CZ, CP rephase; Y and iSWAP do both. Any run of them is
new[i] = phase[i] old[source[i]].
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qrec.backends.exact.read.pauli import Complex


def is_monomial(matrix: Complex) -> bool:
    """Return whether a unitary has one entry in every row."""
    return bool((np.count_nonzero(np.abs(matrix) > 1e-14, axis=1) == 1).all())


@dataclass(frozen=True, eq=False)
class Monomial:
    """new[i] = phase[i] old[source[i]] on the 2^n basis states, acting on `qubits` alone."""

    source: NDArray[np.int64]
    phase: Complex
    qubits: frozenset[int]

    @staticmethod
    def identity(n_qubits: int) -> "Monomial":
        return Monomial(np.arange(2**n_qubits), np.ones(2**n_qubits, complex), frozenset())

    @staticmethod
    def reorder(order: list[int]) -> "Monomial":
        """Return the renaming of qubits that puts qubit ``order[j]`` on place j."""
        basis = np.arange(2 ** len(order))
        source = np.zeros_like(basis)
        for place, qubit in enumerate(order):
            source |= (basis >> place & 1) << qubit
        return Monomial(source, np.ones(len(basis), complex), frozenset(order))

    def then(self, other: "Monomial") -> "Monomial":
        """Return `other` after this one."""
        return Monomial(
            self.source[other.source],
            other.phase * self.phase[other.source],
            self.qubits | other.qubits,
        )

    def then_gate(self, matrix: Complex, qubits: tuple[int, ...]) -> "Monomial":
        """Return a monomial gate `(2^k, 2^k)` after this."""
        basis = np.arange(len(self.source))
        local = np.zeros_like(basis)
        for j, qubit in enumerate(qubits):
            local |= (basis >> qubit & 1) << j
        from_local = np.abs(matrix).argmax(axis=1)[local]
        source = basis.copy()
        for j, qubit in enumerate(qubits):
            source ^= (((local ^ from_local) >> j) & 1) << qubit
        gate = Monomial(source, matrix[local, from_local], frozenset(qubits))
        return self.then(gate)

    @cached_property
    def target(self) -> NDArray[np.int64]:
        """Where each basis state goes."""
        return np.argsort(self.source)

    def inverse(self) -> "Monomial":
        return Monomial(self.target, self.phase[self.target].conj(), self.qubits)

    @cached_property
    def moves(self) -> bool:
        return bool((self.source != np.arange(len(self.source))).any())

    @cached_property
    def rephases(self) -> bool:
        return bool((self.phase != 1).any())
