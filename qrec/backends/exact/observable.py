"""Observables acting on batches of dense states."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.quantum_info import SparseObservable
from torch import Tensor

from qrec.backends.readings import diagonal_values, is_diagonal


@dataclass(frozen=True, eq=False)
class Observable:
    """A Hermitian observable as sum_t diag(phases_t) P(flip_t), P permuting basis states.

    Row t of `flips` (n_terms, 2^n) says where amplitude i comes from; a diagonal observable
    is one term that flips nothing.
    """

    flips: NDArray[np.int64]
    phases: NDArray[np.complex128]  # (n_terms, 2^n)

    @property
    def is_real(self) -> bool:
        return bool(np.all(self.phases.imag == 0))

    def apply(self, psi: Tensor) -> Tensor:
        """Return O|psi> for states in rows, `(n, 2^n_qubits)`."""
        out = torch.zeros_like(psi)
        for flip, phase in zip(self.flips, self.phases, strict=True):
            factor = torch.from_numpy(phase if psi.is_complex() else phase.real).to(psi.dtype)
            out = out + psi[:, torch.from_numpy(flip)] * factor
        return out


def read_observable(observable: SparseObservable) -> Observable:
    """Read a `SparseObservable` on n qubits into dense form, Qiskit's basis order."""
    basis = np.arange(2**observable.num_qubits)
    if is_diagonal(observable):
        bits = (basis[:, None] >> np.arange(observable.num_qubits)) & 1
        qubits = list(range(observable.num_qubits))
        diagonal = diagonal_values(observable, bits.astype(np.uint8), qubits)
        return Observable(basis[None], diagonal[None].astype(complex))
    flips, phases = [], []
    for term in observable.as_paulis():
        flip, phase = 0, np.full(len(basis), term.coeff)
        for pauli, qubit in zip(term.bit_labels(), term.indices, strict=True):
            sign = 1.0 - 2.0 * ((basis >> int(qubit)) & 1)  # of the row's own bit
            if pauli in "XY":
                flip |= 1 << int(qubit)
            if pauli == "Y":
                phase = phase * (-1j * sign)  # Y = [[0, -i], [i, 0]]
            elif pauli == "Z":
                phase = phase * sign
        flips.append(basis ^ flip)
        phases.append(phase)
    return Observable(np.array(flips), np.array(phases))


def pauli_codes(observable: SparseObservable) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return an observable's Pauli strings as codes (see `pauli`), and their coefficients."""
    paulis = observable.as_paulis().simplify()
    digit = {"X": 1, "Y": 2, "Z": 3}
    codes = [
        sum(digit[p] << 2 * int(q) for p, q in zip(t.bit_labels(), t.indices, strict=True))
        for t in paulis
    ]
    return np.array(codes, np.int64), np.array([t.coeff.real for t in paulis], float)
