"""The Heisenberg table: an observable pulled back through operations that all rows share.

Which Pauli strings can appear after each operation depends on the circuit alone, not on its
angles; it is worked out once (`plan_pull`), and a pull is then a few gathers and small matrix
products on the coefficients that live. Clifford gates only rename strings and cost nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qrec.backends.exact.blocks import Block
from qrec.backends.exact.pauli import Codes, Real, local, spread

MOST_TERMS = 2**21  # Pauli strings of one table: 16 MB, and about three times that in indices


class TooManyTermsError(Exception):
    """The table of an observable would exceed `limit` Pauli strings."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} Pauli strings")
        self.limit = limit


@dataclass(frozen=True, eq=False)
class Step:
    """One block applied to the table: place terms in rows of 4^k, multiply, keep some."""

    block: Block
    terms: Codes  # (n_in,) which of the terms before are placed
    sign: Real  # (n_in,)
    place: Codes  # (n_in,) where in the flat (n_groups, 4^k)
    shape: tuple[int, int]
    keep: Codes  # (n_out,) which places of the product are terms afterwards


@dataclass(frozen=True, eq=False)
class Pull:
    """A planned pull; `codes` are the Pauli strings of the table."""

    start: Real  # coefficients of the observable
    steps: tuple[Step, ...]
    terms: Codes
    sign: Real
    codes: Codes

    def forward(self, angles: Real) -> tuple[Real, list[Real]]:
        """Return the table `(n_codes,)` at shared `angles`, and what `backward` needs."""
        table, tape = self.start, []
        for step in self.steps:
            placed = np.zeros(step.shape)
            placed.ravel()[step.place] = step.sign * table[step.terms]
            tape.append(placed)
            table = (placed @ step.block.matrix(angles)).ravel()[step.keep]
        return self.sign * table[self.terms], tape

    def backward(self, angles: Real, tape: list[Real], slope: Real) -> Real:
        """Return the gradient `(n_angles,)` of sum(slope * table)."""
        out = np.zeros_like(angles)
        grad = np.zeros(self._before_last())
        grad[self.terms] = self.sign * slope
        for place, step in reversed(list(enumerate(self.steps))):
            product = np.zeros(step.shape)
            product.ravel()[step.keep] = grad
            if step.block.has_angles:
                step.block.add_gradient(angles, tape[place].T @ product, out)
            if place == 0:
                break
            placed = (product @ step.block.matrix(angles).T).ravel()[step.place]
            grad = np.zeros(len(self.steps[place - 1].keep))
            grad[step.terms] = step.sign * placed
        return out

    def work(self) -> float:
        """Return the multiplications of one pull."""
        return float(sum(s.shape[0] * s.shape[1] ** 2 for s in self.steps))

    def _before_last(self) -> int:
        return len(self.steps[-1].keep) if self.steps else len(self.start)


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
    """Walks the blocks; renamings are held back until a step places the terms."""

    def __init__(self, codes: Codes, coefficients: Real, useful: Codes) -> None:
        self._start = coefficients
        self._steps: list[Step] = []
        self._take(codes, useful)

    def _take(self, codes: Codes, useful: Codes) -> None:
        self._terms = np.flatnonzero(np.isin(codes, useful))
        self._codes = codes[self._terms]
        self._sign = np.ones(len(self._codes))

    def plan(self, blocks: Sequence[Block], live: Sequence[Codes]) -> Pull:
        for block, useful in zip(blocks, live, strict=True):
            if block.renaming:
                self._codes, sign = _rename(self._codes, block)
                self._sign = self._sign * sign
                continue
            grouped = _Grouped(self._codes, block)
            reached = grouped.reached()
            reached[reached] = np.isin(grouped.outputs(reached), useful)
            keep = np.flatnonzero(reached)
            self._steps.append(
                Step(block, self._terms, self._sign, grouped.place, grouped.shape, keep)
            )
            self._take(grouped.outputs(reached), useful)
        return Pull(self._start, tuple(self._steps), self._terms, self._sign, self._codes)
