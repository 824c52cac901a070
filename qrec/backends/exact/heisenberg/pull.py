"""The Heisenberg table: an observable pulled back through operations that all rows share.

Which Pauli strings can appear after each operation depends on the circuit alone, not on its
angles; it is worked out once (`plan_pull`), and a pull is then a few gathers and small matrix
products on the coefficients that live. Clifford gates only rename strings and cost nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from qrec.backends.exact.heisenberg.blocks import Block
from qrec.backends.exact.heisenberg.matrices import BlockMatrices
from qrec.backends.exact.read.pauli import Codes, Real, local, spread

# Of each block: the numbers placed, the matrices of the block's parts, and their product.
Tape = list[tuple[Real, list[Real], Real]]
MOST_TERMS = 2**21  # Pauli strings of one table: 16 MB, and about three times that in indices


class TooManyTermsError(Exception):
    """The table of an observable would exceed `limit` Pauli strings."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} Pauli strings")
        self.limit = limit


@dataclass(frozen=True, eq=False)
class PlacedBlock:
    """One block applied to the table: place numbers in rows of 4^k, then multiply.

    `source` says where each place's number stands in the flat result of the block before, or
    its length where there is none; `target` is the way back.
    """

    block: Block
    shape: tuple[int, int]  # (n_groups, 4^k)
    source: Codes  # (n_groups 4^k,)
    sign: Real | None  # (n_groups 4^k,), of the numbers placed; None where all are +
    target: Codes  # (size of the result before,)


@dataclass(frozen=True, eq=False)
class Pull:
    """A planned pull; `codes` are the Pauli strings of the table."""

    start: Real  # coefficients of the observable
    blocks: tuple[PlacedBlock, ...]
    terms: Codes  # where the table's numbers stand in the last result
    sign: Real
    codes: Codes

    @cached_property
    def matrices(self) -> BlockMatrices:
        return BlockMatrices([placed.block for placed in self.blocks])

    def forward(self, angles: Real) -> tuple[Real, Tape]:
        """Return the table `(n_codes,)` at shared `angles`, and what `backward` needs."""
        flat, tape = _with_zero(self.start), []
        for block, matrices in zip(self.blocks, self.matrices(angles), strict=True):
            placed = _signed(flat[block.source], block).reshape(block.shape)
            matrix = reduce(np.matmul, matrices)
            tape.append((placed, matrices, matrix))
            flat = _product(placed, matrix)
        return self.sign * flat[self.terms], tape

    def backward(self, angles: Real, tape: Tape, slope: Real) -> Real:
        """Return the gradient `(n_angles,)` of sum(slope * table)."""
        slopes: list[Real] = []  # in the matrices with angles, the last first
        grad = np.zeros(prod(self.blocks[-1].shape) if self.blocks else len(self.start))
        grad[self.terms] = self.sign * slope
        for place in range(len(self.blocks) - 1, self._first_with_angles - 1, -1):
            block, (placed, matrices, matrix) = self.blocks[place], tape[place]
            product = grad.reshape(block.shape)
            if block.block.has_angles:
                slopes += reversed(block.block.part_slopes(matrices, placed.T @ product))
            before = _product(product, matrix.T)
            before[:-1] = _signed(before[:-1], block)
            grad = before[block.target]
        return self.matrices.gradient(angles, slopes[::-1])

    @property
    def _first_with_angles(self) -> int:
        return next((i for i, b in enumerate(self.blocks) if b.block.has_angles), len(self.blocks))

    def work(self) -> float:
        """Return the multiplications of one pull."""
        return float(sum(b.shape[0] * b.shape[1] ** 2 for b in self.blocks))


def _with_zero(numbers: Real) -> Real:
    """Append the zero that `source` and `target` point to where there is nothing."""
    return np.append(numbers, 0.0)


def _product(rows: Real, matrix: Real) -> Real:
    """Return the flat product with a zero behind it."""
    out = np.empty(rows.size + 1)
    out[-1] = 0.0
    np.matmul(rows, matrix, out=out[:-1].reshape(rows.shape))
    return out


def _signed(numbers: Real, block: PlacedBlock) -> Real:
    return numbers if block.sign is None else numbers * block.sign


def plan_pull(
    codes: Codes,
    coefficients: Real,
    blocks: Sequence[Block],
    needed: Callable[[Codes], NDArray[np.bool_]],
    limit: int = MOST_TERMS,
) -> Pull:
    """Plan the pull of an observable through `blocks`, which come in the order of the pull.

    `codes` and `coefficients` `(n,)` are the observable's Pauli strings; `needed` says of
    strings whether they can contribute in the end: nothing is computed for the others.
    Raises TooManyTermsError beyond `limit` strings.
    """
    live = [codes]
    for block in blocks:
        live.append(_spread_terms(live[-1], block, limit))
    live[-1] = live[-1][needed(live[-1])]
    for place in reversed(range(len(blocks))):
        back = _Grouped(live[place], blocks[place])
        useful = np.isin(back.outputs(np.ones(back.shape, bool)), live[place + 1])
        useful = useful.reshape(back.shape) @ blocks[place].pattern.T
        live[place] = live[place][useful.ravel()[back.place]]
    return _Planner(codes, coefficients, live[0]).plan(blocks, live[1:])


class _Grouped:
    """Strings arranged for a block: one row per string on the other qubits."""

    def __init__(self, codes: Codes, block: Block) -> None:
        self.block = block
        digits = local(codes, block.qubits)
        rest = codes - spread(digits, block.qubits)
        self.rest, group = np.unique(rest, return_inverse=True)
        width = 4 ** len(block.qubits)
        self.place = group * width + digits
        self.shape = (len(self.rest), width)

    def outputs(self, chosen: NDArray[np.bool_]) -> Codes:
        """Return the strings at the chosen places of `(n_groups, 4^k)`, row by row."""
        digits = spread(np.arange(self.shape[1]), self.block.qubits)
        out: Codes = (self.rest[:, None] + digits)[chosen]
        return out

    def reached(self) -> NDArray[np.bool_]:
        present = np.zeros(self.shape, bool)
        present.ravel()[self.place] = True
        return present @ self.block.pattern


def _spread_terms(codes: Codes, block: Block, limit: int) -> Codes:
    if block.renaming:
        return _rename(codes, block)[0]
    grouped = _Grouped(codes, block)
    reached = grouped.reached()
    if np.count_nonzero(reached) > limit:
        raise TooManyTermsError(limit)
    return grouped.outputs(reached)


def _rename(codes: Codes, block: Block) -> tuple[Codes, Real]:
    assert block.renaming is not None
    target, sign = block.renaming
    digits = local(codes, block.qubits)
    renamed = codes + spread(target[digits], block.qubits) - spread(digits, block.qubits)
    return renamed, sign[digits]


class _Planner:
    """Walks the blocks; renamings are held back until a block places the terms.

    `_where` says where each live string's coefficient stands in the last block's result, whose
    size is `_size`.
    """

    def __init__(self, codes: Codes, coefficients: Real, useful: Codes) -> None:
        self._start = coefficients
        self._placed: list[PlacedBlock] = []
        self._take(codes, np.arange(len(codes)), len(codes), useful)

    def _take(self, codes: Codes, where: Codes, size: int, useful: Codes) -> None:
        live = np.isin(codes, useful)
        self._codes, self._where, self._size = codes[live], where[live], size
        self._sign = np.ones(len(self._codes))

    def plan(self, blocks: Sequence[Block], live: Sequence[Codes]) -> Pull:
        for block, useful in zip(blocks, live, strict=True):
            if block.renaming:
                self._codes, sign = _rename(self._codes, block)
                self._sign = self._sign * sign
                continue
            grouped = _Grouped(self._codes, block)
            self._placed.append(self._place(grouped))
            reached = grouped.reached()
            where = np.flatnonzero(reached)
            self._take(grouped.outputs(reached), where, prod(grouped.shape), useful)
        return Pull(self._start, tuple(self._placed), self._where, self._sign, self._codes)

    def _place(self, grouped: _Grouped) -> PlacedBlock:
        size = prod(grouped.shape)
        source = np.full(size, self._size)
        source[grouped.place] = self._where
        target = np.full(self._size, size)
        target[self._where] = grouped.place
        sign = np.ones(size)
        sign[grouped.place] = self._sign
        return PlacedBlock(
            grouped.block, grouped.shape, source, None if (sign > 0).all() else sign, target
        )
