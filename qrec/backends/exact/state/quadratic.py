"""Observables acting on batches of state vectors."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qrec.backends.exact.machine.buffers import Buffers
from qrec.backends.exact.machine.constants import constant
from qrec.backends.exact.read.pauli import Codes, Complex, Real
from qrec.backends.exact.state.monomial import Monomial
from qrec.linalg import walsh_hadamard


@dataclass(frozen=True, eq=False)
class Quadratic:
    """<psi|O|psi> = sum_t sum_i conj(psi[flips[t, i]]) phases[t, i] psi[i].

    Strings with X or Y on the same qubits are one term; a diagonal observable is a single one
    that flips nothing.
    """

    flips: NDArray[np.int64]  # (n_terms, 2^n)
    phases: Complex  # (n_terms, 2^n)

    @property
    def is_real(self) -> bool:
        return bool(np.all(self.phases.imag == 0))

    @property
    def is_diagonal(self) -> bool:
        return len(self.flips) == 1 and self._flips_nothing[0]

    @cached_property
    def _flips_nothing(self) -> list[bool]:
        return [bool((flip == np.arange(len(flip))).all()) for flip in self.flips]

    def after(self, last: Monomial) -> "Quadratic":
        """Return the observable that sees what this one sees after `last`."""
        position = np.argsort(last.source)  # where each basis state goes
        back = last.phase[position]
        flips = last.source[self.flips[:, position]]
        phases = self.phases[:, position] * back
        return Quadratic(flips, phases * last.phase.conj()[self.flips[:, position]])

    def __call__(self, psi: Tensor, buffers: Buffers) -> Tensor:
        """Return the values `(n_rows,)` in states `(2^n, n_rows)`."""
        out = torch.zeros(psi.shape[1], dtype=psi.dtype.to_real(), device=psi.device)
        flips, phases = constant(self.flips, psi), constant(self.phases, psi)
        for flip, factor, nothing in zip(flips, phases, self._flips_nothing, strict=True):
            if nothing:
                out = out + factor.real @ squares(psi, buffers)
                continue
            other = psi.index_select(0, flip).conj() * psi
            out = out + (factor @ other).real if psi.is_complex() else out + factor @ other
        return out


def squares(psi: Tensor, buffers: Buffers) -> Tensor:
    """Return |psi|^2 element by element."""
    if psi.is_complex():
        return psi.real**2 + psi.imag**2
    return torch.mul(psi, psi, out=buffers.beside(psi, psi.shape))


def quadratic(codes: Codes, coefficients: Real, n_qubits: int) -> Quadratic:
    """Arrange Pauli strings for states of `n_qubits`."""
    qubits = np.arange(n_qubits)
    digits = codes[:, None] >> 2 * qubits & 3
    x = ((digits == 1) | (digits == 2)) @ (1 << qubits)
    z = (digits >= 2) @ (1 << qubits)
    phase = 1j ** ((digits == 2).sum(1) % 4)  # Y = iXZ
    masks, which = np.unique(x, return_inverse=True)
    spectra = np.zeros((len(masks), 2**n_qubits), complex)
    np.add.at(spectra, (which, z), coefficients * phase)
    return Quadratic(np.arange(2**n_qubits) ^ masks[:, None], walsh_hadamard(spectra))
