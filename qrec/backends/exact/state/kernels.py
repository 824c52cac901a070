"""A program for the state vector as few large kernels: gathers, dense blocks, row rotations.

Gates without row dependence collect in blocks of up to four neighbouring qubits (16 x 16
matrix products), runs of monomial gates in one gather. A block stays open until a gate joins
one of its qubits to another; what is open or pending acts on different qubits, so the order
among them is free.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qrec.backends.exact.read.program import Channel, Fixed, Program, Rotation, depends_on_row
from qrec.backends.exact.state.monomial import Monomial, is_monomial

_WIDEST = 4  # qubits of a block


@dataclass(frozen=True, eq=False)
class Dense:
    """Shared gates on the neighbouring qubits ``lowest .. lowest + n_qubits - 1``."""

    lowest: int
    n_qubits: int
    operations: tuple[Fixed | Rotation, ...]  # on qubits counted from `lowest`


@dataclass(frozen=True, eq=False)
class Turn:
    """A rotation by an angle that differs from row to row."""

    rotation: Rotation


Kernel = Monomial | Dense | Turn


@dataclass(frozen=True, eq=False)
class Arrangement:
    """What each qubit sees before its first gate with another, then the kernels on all qubits.

    `last` moves basis states after the last kernel: an observable can absorb it.
    """

    n_qubits: int
    prefix: tuple[tuple[Fixed | Rotation, ...], ...]
    kernels: tuple[Kernel, ...]
    last: Monomial


def arrange(program: Program, row_columns: Sequence[bool]) -> Arrangement:
    """Arrange a program whose operations are gates."""
    prefix: list[list[Fixed | Rotation]] = [[] for _ in range(program.n_qubits)]
    joined: set[int] = set()
    builder = _Builder(program.n_qubits)
    for operation in program.operations:
        assert not isinstance(operation, Channel)
        if len(operation.qubits) == 1 and operation.qubits[0] not in joined:
            prefix[operation.qubits[0]].append(operation)
            continue
        joined |= set(operation.qubits)
        builder.add(operation, depends_on_row(operation, row_columns))
    builder.close(builder.open)
    return Arrangement(
        program.n_qubits, tuple(map(tuple, prefix)), tuple(builder.kernels), builder.pending
    )


@dataclass(eq=False)
class _Open:
    qubits: set[int]
    operations: list[Fixed | Rotation]
    after: bool  # whether it must come after the pending monomial


class _Builder:
    def __init__(self, n_qubits: int) -> None:
        self._n = n_qubits
        self.kernels: list[Kernel] = []
        self.pending = Monomial.identity(n_qubits)
        self.open: list[_Open] = []

    def add(self, operation: Fixed | Rotation, by_row: bool) -> None:
        qubits = set(operation.qubits)
        touched = [b for b in self.open if b.qubits & qubits]
        if by_row:
            assert isinstance(operation, Rotation)
            self.close(touched)
            if qubits & self.pending.qubits:
                self._flush()
            self.kernels.append(Turn(operation))
        elif len(touched) == 1 and qubits <= touched[0].qubits:
            touched[0].operations.append(operation)
        elif isinstance(operation, Fixed) and is_monomial(operation.matrix):
            self.close(touched)
            self.pending = self.pending.then_gate(operation.matrix, operation.qubits)
        else:
            self._collect(operation, touched)

    def _collect(self, operation: Fixed | Rotation, touched: list[_Open]) -> None:
        """Put a dense gate into a block: joined with those it touches, or beside a neighbour."""
        qubits = set(operation.qubits)
        joint = qubits.union(*(b.qubits for b in touched))
        if len(joint) > _WIDEST:
            self.close(touched)
            touched, joint = [], qubits
        if not touched:
            near = {q // _WIDEST for q in qubits}
            touched = [
                b
                for b in self.open
                if len(b.qubits | qubits) <= _WIDEST and {q // _WIDEST for q in b.qubits} == near
            ][:1]
            joint = qubits.union(*(b.qubits for b in touched))
        after = bool(qubits & self.pending.qubits) or any(b.after for b in touched)
        operations = [op for b in touched for op in b.operations] + [operation]
        self.open = [b for b in self.open if b not in touched]
        self.open.append(_Open(joint, operations, after))

    def close(self, blocks: list[_Open]) -> None:
        for block in list(blocks):
            if block.after:
                self._flush()
            self._emit(sorted(block.qubits), block.operations)
        self.open = [b for b in self.open if b not in blocks]

    def _flush(self) -> None:
        if self.pending.moves or self.pending.rephases:
            self.kernels.append(self.pending)
        self.pending = Monomial.identity(self._n)
        for block in self.open:
            block.after = False

    def _emit(self, qubits: list[int], operations: list[Fixed | Rotation]) -> None:
        if qubits[-1] - qubits[0] < _WIDEST:
            # A narrow block is no cheaper than the widest: fill it up with what stands beside.
            lowest = max(0, min(qubits[0], self._n - _WIDEST))
            highest = min(lowest + _WIDEST, self._n)
            self.kernels.append(_dense(lowest, list(range(lowest, highest)), operations))
            return
        # Too far apart for one product: bring them together, and put them back later.
        order = [*qubits, *(q for q in range(self._n) if q not in qubits)]
        gather = Monomial.reorder(order)
        self.pending = self.pending.then(gather)
        self._flush()
        self.kernels.append(_dense(0, qubits, operations))
        self.pending = gather.inverse()
        for block in self.open:
            block.after = True


def _dense(lowest: int, qubits: list[int], operations: list[Fixed | Rotation]) -> Dense:
    """`qubits` lists the circuit's qubits by their place in the block."""
    moved = tuple(
        replace(op, qubits=tuple(qubits.index(q) for q in op.qubits)) for op in operations
    )
    return Dense(lowest, len(qubits), moved)
