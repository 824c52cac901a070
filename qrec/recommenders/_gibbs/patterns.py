"""Products of 1, cos and sin of several angles, summed over all angles but one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qrec.types import Array

Digits = NDArray[np.int64]
Rows = NDArray[np.intp] | slice
# Of an angle by its place, and the factors of its cosine and sine per row, None for zero: draws
# it anew, and returns its cosine and sine per row.
Draw = Callable[[int, Array | None, Array | None], tuple[Array, Array]]


@dataclass(frozen=True, eq=False)
class _Sum:
    """The sum over one angle: patterns that differ in its digit alone become one."""

    angle: int
    members: tuple[tuple[Rows, Rows], ...]  # by digit: the patterns, and what they become
    n_groups: int

    def __call__(self, values: Array, waves: list[tuple[Array, Array]]) -> Array:
        out = np.zeros((self.n_groups, values.shape[1]))
        for (rows, groups), wave in zip(self.members, (None, *waves[self.angle]), strict=True):
            out[groups] += values[rows] if wave is None else values[rows] * wave
        return out


@dataclass(frozen=True, eq=False)
class _Half:
    """Patterns that some of the angles occur in, summed over the others."""

    rows: Rows
    sums: tuple[_Sum, ...]
    inside: "_Node"


@dataclass(frozen=True, eq=False)
class _Node:
    angles: tuple[int, ...]
    halves: tuple[_Half, ...]
    places: tuple[int | None, ...]  # of a single angle: where its cosine and its sine stand


class Patterns:
    """Products of 1, cos and sin, one for each row of `digits` `(n_patterns, n_angles)`."""

    def __init__(self, digits: Digits) -> None:
        self.digits = digits

    def __len__(self) -> int:
        return len(self.digits)

    def products(self, angles: Array) -> Array:
        """Return the products `(n_patterns, n)` of angles `(n, n_angles)`."""
        out = np.ones((len(self), len(angles)))
        for j, digit in enumerate(self.digits.T):
            cos, sin = np.cos(angles[:, j]), np.sin(angles[:, j])
            out[digit == 1] *= cos
            out[digit == 2] *= sin
        return out

    def visit(self, values: Array, waves: list[tuple[Array, Array]], draw: Draw) -> None:
        """Have every angle drawn in turn, given sum over patterns of value times product.

        `values` is `(n_patterns, n)`, `waves` the cosine and sine of every angle, `(n,)` each,
        which are brought up to date. Angles are halved again and again, so that the sums over
        the others are shared.
        """
        _visit(self._tree, values, waves, draw)

    @cached_property
    def _tree(self) -> _Node:
        return _node(self.digits, tuple(range(self.digits.shape[1])))


def _visit(node: _Node, values: Array, waves: list[tuple[Array, Array]], draw: Draw) -> None:
    if len(node.angles) == 1:
        factors = (None if place is None else values[place] for place in node.places)
        waves[node.angles[0]] = draw(node.angles[0], *factors)
    for half in node.halves:
        left = values[half.rows]
        for over in half.sums:
            left = over(left, waves)
        _visit(half.inside, left, waves, draw)


def _node(digits: Digits, angles: tuple[int, ...]) -> _Node:
    if len(angles) == 1:
        found = [np.flatnonzero(digits[:, angles[0]] == digit) for digit in (1, 2)]
        return _Node(angles, (), tuple(int(at[0]) if len(at) else None for at in found))
    middle = len(angles) // 2
    parts = angles[:middle], angles[middle:]
    # Patterns are sorted: outer angles first, those that are summed away stand in even steps.
    return _Node(
        angles,
        (_half(digits, parts[0], parts[1][::-1]), _half(digits, parts[1], parts[0])),
        (None, None),
    )


def _half(digits: Digits, own: tuple[int, ...], others: Sequence[int]) -> _Half:
    rows = np.flatnonzero((digits[:, own] != 0).any(axis=1))
    left, sums = digits[rows], []
    for angle in others:
        if not (left[:, angle] != 0).any():
            continue
        rest = left.copy()
        rest[:, angle] = 0
        unique, group = np.unique(rest, axis=0, return_inverse=True)
        group = group.reshape(-1)
        by_digit = [np.flatnonzero(left[:, angle] == digit) for digit in range(3)]
        members = tuple((_stepped(at), _stepped(group[at])) for at in by_digit)
        sums.append(_Sum(angle, members, len(unique)))
        left = unique
    return _Half(_stepped(rows), tuple(sums), _node(left, own))


def _stepped(rows: NDArray[np.intp]) -> Rows:
    """Return rows in even steps as a slice, which copies nothing."""
    if len(rows) == 0:
        return slice(0, 0)
    step = int(rows[1] - rows[0]) if len(rows) > 1 else 1
    if step < 1 or (np.diff(rows) != step).any():
        return rows
    return slice(int(rows[0]), int(rows[-1]) + 1, step)
