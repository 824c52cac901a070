"""Neighbouring operations of a shared suffix fused to transfer matrices on one to three qubits.

Everything here is in the order of the pull: from the end of the circuit to its beginning.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from qrec.backends.exact.read.parts import Part, part_of
from qrec.backends.exact.read.pauli import Real, embed, is_signed_permutation
from qrec.backends.exact.read.program import Operation

WIDEST_FUSED = 2  # qubits; 16 x 16 products pay, 64 x 64 ones do not


@dataclass(frozen=True, eq=False)
class Block:
    """A product of parts, applied from the right to rows of 4^k Pauli coefficients."""

    qubits: tuple[int, ...]
    parts: tuple[Part, ...]

    @cached_property
    def has_angles(self) -> bool:
        return any(part.angle >= 0 for part in self.parts)

    @cached_property
    def pattern(self) -> NDArray[np.bool_]:
        """Which entries can differ from zero, `(4^k, 4^k)`."""
        out = reduce(np.matmul, [part.pattern().astype(float) for part in self.parts])
        return np.asarray(out > 0)

    @cached_property
    def renaming(self) -> tuple[NDArray[np.int64], Real] | None:
        """Of a Clifford gate: the string each string becomes, and its sign."""
        if self.has_angles:
            return None
        matrix = reduce(np.matmul, [part.still for part in self.parts])
        if not is_signed_permutation(matrix):
            return None
        target = np.abs(matrix).argmax(1)
        return target, np.sign(matrix[np.arange(len(matrix)), target])

    def part_slopes(self, matrices: Sequence[Real], slope: Real) -> list[Real]:
        """Return the gradients of sum(slope * product) in the matrices of parts with angles.

        `matrices` are those of all parts.
        """
        behind = [np.eye(len(slope))]  # products of what follows each part
        for matrix in reversed(matrices[1:]):
            behind.append(matrix @ behind[-1])
        out, before = [], slope
        for part, matrix, after in zip(self.parts, matrices, reversed(behind), strict=True):
            if part.angle >= 0:
                out.append(before @ after.T)
            before = matrix.T @ before
        return out


def fuse(operations: Iterable[Operation], angle_of: dict[Operation, int]) -> list[Block]:
    """Return the blocks of `operations`, which come in the order of the circuit.

    `angle_of` says which shared angle each rotation turns by. Clifford gates stand alone,
    since they only rename Pauli strings, unless a block spans their qubits already.
    """
    blocks: list[Block] = []
    open_blocks: list[Block] = []
    for operation in reversed(list(operations)):
        new = Block(operation.qubits, (part_of(operation, angle_of.get(operation, -1)),))
        touched = [b for b in open_blocks if set(b.qubits) & set(new.qubits)]
        qubits = tuple(sorted({q for b in [*touched, new] for q in b.qubits}))
        fits = len(qubits) <= WIDEST_FUSED
        if new.renaming and not (touched and len(qubits) == len(touched[0].qubits)):
            fits = False  # on its own it is free
        open_blocks = [b for b in open_blocks if b not in touched]
        if fits:
            open_blocks.append(_join([*touched, new], qubits))
            continue
        if new.renaming or len(new.qubits) > WIDEST_FUSED:
            blocks += [*touched, new]
            continue
        inside = [b for b in touched if set(b.qubits) <= set(new.qubits)]
        blocks += [b for b in touched if b not in inside]
        open_blocks.append(_join([*inside, new], tuple(sorted(new.qubits))))
    return blocks + open_blocks


def _join(blocks: list[Block], qubits: tuple[int, ...]) -> Block:
    """Return one block of all parts, neighbouring constants multiplied."""
    parts: list[Part] = []
    for block in blocks:
        places = tuple(qubits.index(q) for q in block.qubits)
        for part in (
            block.parts
            if places == tuple(range(len(qubits)))
            else _wider(block.parts, places, len(qubits))
        ):
            if parts and parts[-1].cos is None and part.cos is None:
                parts[-1] = Part(parts[-1].still @ part.still)
            else:
                parts.append(part)
    return Block(qubits, tuple(parts))


def _wider(parts: tuple[Part, ...], places: tuple[int, ...], n_qubits: int) -> list[Part]:
    def wide(matrix: Real | None) -> Real | None:
        return None if matrix is None else embed(matrix, places, n_qubits)

    return [
        Part(embed(p.still, places, n_qubits), wide(p.cos), wide(p.sin), p.angle) for p in parts
    ]
