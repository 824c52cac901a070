"""Linear algebra of the layered ansatz, for many parameter rows at once.

What `qrec.circuits.layered_ansatz` does to the first basis states, and the derivative of any
function of the result. Basis states are numbered big-endian: qubit 0 is the highest bit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qrec.types import Array

Complex = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class _Layer:
    """What one layer did: its gates, and the states between RZ and RY and after RY."""

    rz: Complex  # (n_rows, N), diagonal
    ry: Array  # (n_rows, N, N)
    between: Complex  # (n_rows, N, n_columns)
    after: Complex


class Ansatz:
    """The first `n_columns` columns of the ansatz's unitary on `n_qubits` qubits."""

    def __init__(self, n_qubits: int, n_layers: int, n_columns: int) -> None:
        self.shape = (n_layers, 2, n_qubits)  # of the angles: layer, RZ or RY, qubit
        self.n_columns = n_columns
        index = np.arange(2**n_qubits)
        bit = 1 << np.arange(n_qubits)[::-1]
        self._index = index
        self._gray = index ^ (index >> 1)  # the CX chain moves gray[i] to i
        self._ungray = np.argsort(self._gray)
        self._signs = 1.0 - 2.0 * ((index & bit[:, None]) > 0)  # of Z, (n_qubits, N)
        self._flips = index ^ bit[:, None]

    @property
    def n_parameters(self) -> int:
        return int(np.prod(self.shape))

    def columns(self, theta: Array) -> Complex:
        """Return the columns `(n_rows, N, n_columns)` for angles `(n_rows, n_parameters)`."""
        psi = self._start(len(theta))
        for angles in self._by_layer(theta):
            psi = self._layer(psi, angles).after
        return psi

    def columns_and_tape(self, theta: Array) -> tuple[Complex, list[_Layer]]:
        """Return `columns` and what `gradient` needs."""
        psi, tape = self._start(len(theta)), []
        for angles in self._by_layer(theta):
            tape.append(self._layer(psi, angles))
            psi = tape[-1].after
        return psi, tape

    def gradient(self, tape: list[_Layer], slope: Complex) -> Array:
        """Return dF/dtheta `(n_rows, n_parameters)` where dF = Re tr(slope^dag d columns)."""
        out = np.empty((len(slope), *self.shape))
        for k, layer in reversed(list(enumerate(tape))):
            overlap = _as_real(slope) @ _as_real(layer.after).swapaxes(1, 2)
            # d RY(t) / dt = -iY/2 RY(t), and -iY = [[0, -1], [1, 0]].
            ry_terms = overlap[:, self._index, self._flips] * self._signs
            out[:, k, 1] = -0.5 * ry_terms.sum(axis=2)
            slope = _from_real(layer.ry.swapaxes(1, 2) @ _as_real(slope))
            between = layer.between
            rz_terms = (slope.real * between.imag - slope.imag * between.real).sum(axis=2)
            out[:, k, 0] = 0.5 * rz_terms @ self._signs.T
            slope *= layer.rz.conj()[:, :, None]
            slope = slope[:, self._ungray]
        return out.reshape(len(slope), -1)

    def _start(self, n_rows: int) -> Complex:
        start = np.eye(len(self._index), self.n_columns, dtype=np.complex128)
        return np.repeat(start[None], n_rows, axis=0)

    def _by_layer(self, theta: Array) -> Array:
        return np.moveaxis(theta.reshape(-1, *self.shape), 1, 0)

    def _layer(self, psi: Complex, angles: Array) -> _Layer:
        rz = np.exp(-0.5j * (angles[:, 0] @ self._signs))
        ry = _ry_matrix(angles[:, 1])
        between = psi[:, self._gray]
        between *= rz[:, :, None]
        return _Layer(rz, ry, between, _from_real(ry @ _as_real(between)))


def _ry_matrix(angles: Array) -> Array:
    """Return RY on all qubits as one real matrix, `(n_rows, N, N)`."""
    cos, sin = np.cos(angles / 2), np.sin(angles / 2)
    gates = np.stack([cos, -sin, sin, cos], axis=-1).reshape(*angles.shape, 2, 2)
    product = gates[:, 0]
    for k in range(1, angles.shape[1]):
        side = 2 * product.shape[1]
        gate = gates[:, k, None, :, None, :]
        product = (product[:, :, None, :, None] * gate).reshape(-1, side, side)
    return product


def _as_real(psi: Complex) -> Array:
    """See complex numbers as pairs of real ones, since most gates here are real."""
    return psi.view(np.float64)


def _from_real(psi: Array) -> Complex:
    return psi.view(np.complex128)
