"""Pauli transfer matrices: gates and channels as real matrices on Pauli coefficients.

A Pauli string on k qubits is the number sum_j digit_j 4^j with the digits I, X, Y, Z = 0..3 and
j the place of the qubit, lowest first. The transfer matrix of a channel E is
R[P, Q] = tr(P E(Q)) / 2^k: coefficients of a state change to R r, those of an observable pulled
back through E (Heisenberg picture) to R^T t. Greenbaum, arXiv:1509.02921, section 2.
"""

from functools import cache, lru_cache, reduce

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
Codes = NDArray[np.int64]

_PAULIS = np.array(
    [[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=complex
)
AXES = {"rx": 1, "ry": 2, "rz": 3}
_NEGLIGIBLE = 1e-14  # below this an entry is the rounding of zero


@cache
def paulis(n_qubits: int) -> Complex:
    """Return all Pauli strings as matrices, `(4^n, 2^n, 2^n)`, in the order of their codes."""
    return reduce(_kron_all, [_PAULIS] * n_qubits, np.ones((1, 1, 1), complex))


def _kron_all(low: Complex, high: Complex) -> Complex:
    n, d = len(low) * len(high), low.shape[1] * high.shape[1]
    out: Complex = np.einsum("aij,bkl->bakilj", low, high).reshape(n, d, d)
    return out


def transfer(kraus: Complex) -> Real:
    """Return the transfer matrix `(4^k, 4^k)` of Kraus operators `(n, 2^k, 2^k)`."""
    basis = paulis((kraus.shape[1] - 1).bit_length())
    images = sum(k @ basis @ k.conj().T for k in kraus)
    out = np.einsum("pij,qji->pq", basis, images).real / kraus.shape[1]
    return np.where(np.abs(out) < _NEGLIGIBLE, 0.0, out)


@lru_cache(maxsize=4096)
def _transfer_cached(data: bytes, dimension: int) -> Real:
    matrix = np.frombuffer(data, complex).reshape(1, dimension, dimension)
    return transfer(matrix)


def unitary_transfer(matrix: Complex) -> Real:
    """Return the transfer matrix of one unitary `(2^k, 2^k)`; equal gates are computed once."""
    matrix = np.ascontiguousarray(matrix, dtype=complex)
    return _transfer_cached(matrix.tobytes(), len(matrix))


def turned_plane(name: str) -> tuple[int, int]:
    """Return the two letters that rx, ry or rz turns, the first towards the second."""
    axis = AXES[name]
    return axis % 3 + 1, (axis + 1) % 3 + 1


@cache
def rotation_parts(name: str) -> tuple[Real, Real, Real]:
    """Return A, B, C with R(angle) = A + cos(angle) B + sin(angle) C for rx, ry or rz."""
    axis, (a, b) = AXES[name], turned_plane(name)
    still, cos, sin = np.zeros((3, 4, 4))
    still[0, 0] = still[axis, axis] = 1.0
    cos[a, a] = cos[b, b] = 1.0
    sin[a, b], sin[b, a] = -1.0, 1.0
    return still, cos, sin


def embed(matrix: Real, places: tuple[int, ...], n_qubits: int) -> Real:
    """Return a transfer matrix on the qubits at `places` as one on `n_qubits`."""
    rest = [q for q in range(n_qubits) if q not in places]
    wide = np.kron(np.eye(4 ** len(rest)), matrix)  # places lowest, then the rest
    codes = np.arange(4**n_qubits)
    index = spread(codes % 4 ** len(places), places) + spread(codes // 4 ** len(places), rest)
    out = np.empty_like(wide)
    out[np.ix_(index, index)] = wide
    return out


def local(codes: Codes, qubits: tuple[int, ...]) -> Codes:
    """Return the digits of `codes` on `qubits` as codes of len(qubits) digits."""
    out = np.zeros_like(codes)
    for j, qubit in enumerate(qubits):
        out |= (codes >> 2 * qubit & 3) << 2 * j
    return out


def spread(codes: Codes, qubits: tuple[int, ...] | list[int]) -> Codes:
    """Return codes with digit j of `codes` on qubit ``qubits[j]``, I elsewhere."""
    out = np.zeros_like(codes)
    for j, qubit in enumerate(qubits):
        out |= (codes >> 2 * j & 3) << 2 * qubit
    return out


def is_signed_permutation(matrix: Real) -> bool:
    """Return whether every Pauli string goes to one of its own, up to sign: a Clifford gate.

    A channel that forgets the state, as a read-out that gives 1 for whatever it reads, takes
    two strings to one and is none.
    """
    places = np.abs(matrix) > 0
    return bool((places.sum(0) == 1).all() and (places.sum(1) == 1).all()) and bool(
        np.allclose(np.abs(matrix).sum(1), 1.0, atol=1e-12)
    )
