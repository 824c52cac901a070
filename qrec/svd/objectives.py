"""The objectives, as functions of C = U^dag M V cut to its first rows and columns."""

from dataclasses import dataclass
from typing import Literal, Protocol, Self, get_args

import numpy as np
from numpy.typing import NDArray

from qrec.svd.ansatz import Ansatz, Complex
from qrec.types import Array

Kind = Literal["original", "modified", "subspace", "coincidence"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Indices = NDArray[np.intp]
_CELLS_AT_ONCE = 2**16  # of the matrices: bounds the memory of what is evaluated together


class Objective(Protocol):
    """What an optimiser minimises: many problems of the same number of parameters.

    `theta` is `(n, n_parameters)`, and `rows` `(n,)` says which problem each row belongs to.
    """

    def value(self, theta: Array, rows: Indices) -> Array:
        """Return the values `(n,)`."""
        ...

    def value_and_gradient(self, theta: Array, rows: Indices) -> tuple[Array, Array]:
        """Return the values `(n,)` and their gradients, shaped as `theta`."""
        ...


@dataclass(frozen=True, eq=False)
class Criterion:
    """A kind of objective and its weights q `(T,)`, which `original` alone looks at.

    T is the rank, how many singular values are wanted.

    - original: sum_j q_j Re C_jj (Wang, Song, Wang, Quantum 5, 483, eq. 8), q falling;
    - modified: sum_j |C_jj|^2 (Jojo, Khandelwal, Chandra, arXiv:2310.19504);
    - subspace: sum_jk |C_jk|^2. Not in the papers. By Ky Fan's theorem it ends where U and V
      span the leading singular subspaces; a T x T classical SVD of C does the rest.
    - coincidence: -sum_jk hamming(j, k) |C_jk|^2 over all of C (Bravo-Prieto, García-Martín,
      Latorre, arXiv:1905.01353): minus |M|_F^2 times how many bits of the two parties differ in
      the mean. It is zero where C is diagonal, in any order, so all N pairs are found or none.
    """

    kind: str  # one of KINDS
    weights: Array

    @classmethod
    def of_rank(cls, kind: str, rank: int) -> Self:
        """Return the one with the weights rank, ..., 2, 1."""
        return cls(kind, np.arange(rank, 0, -1.0))

    @property
    def rank(self) -> int:
        return len(self.weights)

    @property
    def shifts(self) -> int:
        """Evaluations that the parameter-shift rule needs for each parameter.

        One, at +pi, where the value is linear in each gate; two, at +-pi/2, where it is
        squared.
        """
        return 1 if self.kind == "original" else 2

    def n_columns(self, size: int) -> int:
        """Return how many columns of U and V `(size, size)` the value hangs on."""
        return size if self.kind == "coincidence" else self.rank

    @property
    def circuits(self) -> int:
        """Circuits that one value takes in its published form."""
        return 1 if self.kind == "coincidence" else self.rank

    def highest(self, singular: NDArray[np.floating]) -> Array:
        """Return the highest value possible, of a matrix with singular values `(..., N)`."""
        if self.kind == "coincidence":
            return np.zeros(singular.shape[:-1])
        values = singular[..., : self.rank]
        terms = self.weights * values if self.kind == "original" else values**2
        return np.asarray(terms.sum(axis=-1))

    def share(self, value: Array, singular: NDArray[np.floating]) -> Array:
        """Return values as shares of the highest possible; shapes as in `highest`.

        That of `coincidence` is zero, and its share is that of the bits that agree.
        """
        if self.kind == "coincidence":
            most = (singular.shape[-1].bit_length() - 1) * (singular**2).sum(axis=-1)
            return np.asarray(1 + value / most)
        return np.asarray(value / self.highest(singular))

    def value(self, c: Complex) -> Array:
        """Return the objective for C `(n, n_columns, n_columns)`: larger is better."""
        if self.kind == "coincidence":
            return np.asarray(-(hamming(c.shape[1]) * (c.real**2 + c.imag**2)).sum(axis=(1, 2)))
        if self.kind == "subspace":
            return np.asarray((c.real**2 + c.imag**2).sum(axis=(1, 2)))
        d = np.diagonal(c, axis1=1, axis2=2)
        terms = self.weights * d.real if self.kind == "original" else d.real**2 + d.imag**2
        return np.asarray(terms.sum(axis=1))

    def slope(self, c: Complex) -> Complex:
        """Return S, in the shape of C, with d value = Re tr(S^dag dC)."""
        if self.kind == "coincidence":
            return -2 * hamming(c.shape[1]) * c
        if self.kind == "subspace":
            return 2 * c
        out = np.zeros_like(c)
        place = np.arange(self.rank)
        d = c[:, place, place]
        out[:, place, place] = self.weights if self.kind == "original" else 2 * d
        return out


def hamming(size: int) -> NDArray[np.int64]:
    """Return how many bits j and k differ in, `(size, size)`."""
    index = np.arange(size)
    return np.asarray(np.bitwise_count(index[:, None] ^ index), np.int64)


class ExactObjective:
    """Minus the objective of each problem's matrix, and its gradient, by linear algebra.

    `matrices` is `(n_problems, N, N)`. Parameters are theta_u, then theta_v.
    """

    def __init__(self, matrices: NDArray[np.number], n_layers: int, criterion: Criterion) -> None:
        size = matrices.shape[1]
        self._matrices = matrices
        self._criterion = criterion
        self._ansatz = Ansatz(size.bit_length() - 1, n_layers, criterion.n_columns(size))

    @property
    def n_parameters(self) -> int:
        return 2 * self._ansatz.n_parameters

    def value(self, theta: Array, rows: Indices) -> Array:
        return -self._criterion.value(self.elements(theta, rows))

    def value_and_gradient(self, theta: Array, rows: Indices) -> tuple[Array, Array]:
        step = max(1, _CELLS_AT_ONCE // self._matrices[0].size)
        starts = range(0, len(theta), step)
        parts = [self._evaluate(theta[k : k + step], rows[k : k + step]) for k in starts]
        return (
            np.concatenate([np.empty(0), *(value for value, _ in parts)]),
            np.concatenate([np.empty((0, theta.shape[1])), *(slope for _, slope in parts)]),
        )

    def _evaluate(self, theta: Array, rows: Indices) -> tuple[Array, Array]:
        angles = theta.reshape(-1, self._ansatz.n_parameters)
        both, tape = self._ansatz.columns_and_tape(angles)
        u, v = both[0::2], both[1::2]
        image = _apply(self._matrices[rows], v)
        c = _dagger(u) @ image
        slope = self._criterion.slope(c)
        slopes = np.empty_like(both)
        slopes[0::2] = image @ _dagger(slope)
        slopes[1::2] = _apply(_dagger(self._matrices[rows]), u @ slope)
        gradient = self._ansatz.gradient(tape, slopes)
        return -self._criterion.value(c), -gradient.reshape(theta.shape)

    def elements(self, theta: Array, rows: Indices) -> Complex:
        """Return C `(n, n_columns, n_columns)`, see `Criterion.n_columns`."""
        u, v = self.vectors(theta)
        return _dagger(u) @ _apply(self._matrices[rows], v)

    def vectors(self, theta: Array) -> tuple[Complex, Complex]:
        """Return the first columns of U and of V, `(n, N, n_columns)` each."""
        both = self._ansatz.columns(theta.reshape(-1, self._ansatz.n_parameters))
        return both[0::2], both[1::2]


def _apply(matrices: NDArray[np.number], psi: Complex) -> Complex:
    if np.iscomplexobj(matrices):
        return np.asarray(matrices @ psi)
    return np.asarray(matrices @ np.ascontiguousarray(psi).view(np.float64)).view(np.complex128)


def _dagger(matrices: NDArray[np.number]) -> NDArray[np.number]:
    return matrices.conj().swapaxes(1, 2)
