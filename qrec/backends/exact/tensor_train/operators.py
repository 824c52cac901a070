"""Transfer matrices of gates cut into one piece per qubit, along a line of qubits."""

from functools import lru_cache

import numpy as np

from qrec.backends.exact.read.pauli import Real

_NEGLIGIBLE = 1e-15  # of the largest singular value: rounding of zero


def site_operators(matrix: Real, order: tuple[int, ...]) -> tuple[Real, ...]:
    """Return the pull through a transfer matrix `(4^k, 4^k)` as k pieces.

    `order` names the matrix's qubits (0 the lowest digit) as they follow each other on the line.
    A piece is `(a, 4, 4, b)`: the bond to the piece before, the letter that the pull makes, the
    letter it finds, and the bond to the piece behind. Bonds are operator Schmidt ranks: 4 for a
    CNOT between any two sets of qubits, 1 for gates apart.
    """
    return _cut(matrix.tobytes(), order)


@lru_cache(maxsize=4096)
def _cut(data: bytes, order: tuple[int, ...]) -> tuple[Real, ...]:
    k = len(order)
    # An observable's coefficients change by the transpose: rows are what the pull finds.
    tensor = np.frombuffer(data).reshape((4,) * (2 * k))
    axes = [axis for j in order for axis in (2 * k - 1 - j, k - 1 - j)]
    rest, pieces = tensor.transpose(axes).reshape(1, -1), []
    for _ in range(k - 1):
        u, s, v = np.linalg.svd(rest.reshape(len(rest) * 16, -1), full_matrices=False)
        n = max(1, int(np.sum(s > _NEGLIGIBLE * s[0])))
        root = np.sqrt(s[:n])
        pieces.append((u[:, :n] * root).reshape(-1, 4, 4, n))
        rest = root[:, None] * v[:n]
    return (*pieces, rest.reshape(-1, 4, 4, 1))
