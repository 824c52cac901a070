"""A tensor as a chain of small ones, and how it is kept small.

Oseledets, SIAM J. Sci. Comput. 33, 2295 (2011): an entry is a product of matrices, one per
site, and the widths of these matrices, the bonds, are cut by singular values. The site that all
others are orthogonal to, the centre, holds the norm: what is dropped there is the error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qrec.backends.exact.read.pauli import Codes, Real

WIDEST_BOND = 512  # beyond it a core of 4 x 512 x 512 takes seconds to decompose
MACHINE_EPS = 1e-12
_TERMS_AT_ONCE = 64  # Pauli strings that are put together before they are cut


@dataclass(frozen=True)
class Truncation:
    """How a train is kept small.

    Each cut may drop the part `eps` of the train's norm. With `max_bond` a bond is never wider,
    whatever that drops; without, BondError is raised beyond `limit`.
    """

    eps: float = MACHINE_EPS
    max_bond: int | None = None
    limit: int = WIDEST_BOND


class BondError(Exception):
    """A train did not compress: its bond would be `bond`."""

    def __init__(self, bond: int, limit: int) -> None:
        super().__init__(f"bond {bond}, at most {limit}")
        self.bond, self.limit = bond, limit


class Train:
    """Cores `(n_variants, left, 4, right)`, orthogonal on both sides of `centre`.

    Variants stand for the harmonics of angles that are still open (see `pull`); a site's
    variants and letters are one index of the tensor. `dropped` sums the squares of all that was
    cut off.
    """

    def __init__(self, cores: Sequence[Real], truncation: Truncation) -> None:
        self.cores, self.truncation = list(cores), truncation
        self.centre, self.dropped, self.widest = 0, 0.0, 1
        self.compress(0, len(self.cores) - 1)

    @property
    def bond(self) -> int:
        """The widest bond there is now."""
        return int(max(core.shape[3] for core in self.cores))

    def move(self, first: int, last: int) -> None:
        """Bring the centre between two sites."""
        while self.centre < first:
            self._right(cut=False)
        while self.centre > last:
            self._left()

    def apply(self, pieces: Sequence[Real], sites: Sequence[int]) -> None:
        """Apply an operator cut into `pieces` (see `operators`) at ascending `sites`."""
        first, last = sites[0], sites[-1]
        self.move(first, last)
        own, bond = dict(zip(sites, pieces, strict=True)), 1
        for site in range(first, last + 1):
            core = self.cores[site]
            n, left, letters, right = core.shape
            if site in own:
                piece = own[site]
                wide = np.tensordot(core, piece, axes=(2, 2))  # n, left, right, a, new, b
                wide = wide.transpose(0, 1, 3, 4, 2, 5)
                bond = piece.shape[3]
            else:  # the bond passes by
                wide = np.einsum("nlpr,ab->nlaprb", core, np.eye(bond))
            a, b = wide.shape[2], wide.shape[5]
            self.cores[site] = wide.reshape(n, left * a, letters, right * b)
        self.compress(first, last)

    def compress(self, first: int, last: int) -> None:
        """Cut the bonds between two sites; all others are orthogonal already."""
        self.centre = last
        while self.centre > first:
            self._left()
        while self.centre < last:
            self._right(cut=True)

    def _left(self) -> None:
        site = self.centre
        n, left, letters, right = self.cores[site].shape
        matrix = self.cores[site].transpose(0, 2, 3, 1).reshape(-1, left)
        q, carry = np.linalg.qr(matrix)
        self.cores[site] = q.reshape(n, letters, right, -1).transpose(0, 3, 1, 2)
        self.cores[site - 1] = self.cores[site - 1] @ carry.T
        self.centre -= 1

    def _right(self, cut: bool) -> None:
        site = self.centre
        n, left, letters, right = self.cores[site].shape
        matrix = self.cores[site].reshape(-1, right)
        q, carry = self._cut(matrix) if cut else np.linalg.qr(matrix)
        self.cores[site] = q.reshape(n, left, letters, -1)
        behind = self.cores[site + 1]
        self.cores[site + 1] = np.tensordot(carry, behind, axes=(1, 1)).transpose(1, 0, 2, 3)
        self.centre += 1

    def _cut(self, matrix: Real) -> tuple[Real, Real]:
        u, s, v = np.linalg.svd(matrix, full_matrices=False)
        tail = np.cumsum(s[::-1] ** 2)[::-1]  # what goes if this and all behind go
        n = max(1, int(np.sum(tail > self.truncation.eps**2 * tail[0])))
        if self.truncation.max_bond is not None:
            n = min(n, self.truncation.max_bond)
        elif n > self.truncation.limit:
            raise BondError(n, self.truncation.limit)
        self.dropped += float(tail[n]) if n < len(s) else 0.0
        self.widest = max(self.widest, n)
        return u[:, :n], s[:n, None] * v[:n]


def train_of_strings(letters: Codes, coefficients: Real, truncation: Truncation) -> Train:
    """Return the sum of Pauli strings, `letters` `(n_terms, n_sites)` on the line."""
    if len(letters) > _TERMS_AT_ONCE:
        half = len(letters) // 2
        one, other = (
            train_of_strings(letters[part], coefficients[part], truncation)
            for part in (slice(None, half), slice(half, None))
        )
        return Train(_direct_sum(one.cores, other.cores), truncation)
    cores, n_sites = [], letters.shape[1]
    of_term = np.arange(len(letters))
    for site in range(n_sites):
        n_left = int(of_term.max(initial=0)) + 1
        if site < n_sites - 1:
            _, behind = np.unique(letters[:, site + 1 :], axis=0, return_inverse=True)
        else:
            behind = np.zeros(len(letters), int)
        core = np.zeros((1, n_left, 4, int(behind.max(initial=0)) + 1))
        core[0, of_term, letters[:, site], behind] = 1.0
        if site == 0:
            weighted = core * np.resize(coefficients, n_left)[:, None, None]
            core = weighted.sum(1, keepdims=True)
        cores.append(core)
        of_term = behind
    return Train(cores, truncation)


def _direct_sum(one: Sequence[Real], other: Sequence[Real]) -> list[Real]:
    out, last = [], len(one) - 1
    for site, (a, b) in enumerate(zip(one, other, strict=True)):
        if last == 0:
            return [a + b]
        if site == 0:
            out.append(np.concatenate([a, b], axis=3))
        elif site == last:
            out.append(np.concatenate([a, b], axis=1))
        else:
            core = np.zeros((1, a.shape[1] + b.shape[1], 4, a.shape[3] + b.shape[3]))
            core[:, : a.shape[1], :, : a.shape[3]] = a
            core[:, a.shape[1] :, :, a.shape[3] :] = b
            out.append(core)
    return out
