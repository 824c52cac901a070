"""Batches of mixed states as their Pauli expectation values: exact, with noise too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee
from torch import Tensor

from qrec.backends.exact.heisenberg.blocks import WIDEST_FUSED
from qrec.backends.exact.machine.constants import constant
from qrec.backends.exact.read.parts import part_of
from qrec.backends.exact.read.pauli import Real, embed, turned_plane
from qrec.backends.exact.read.program import Operation, Rotation

_ZERO = np.array([[1.0], [0.0], [0.0], [1.0]])  # I, X, Y, Z in |0>


@dataclass(frozen=True, eq=False)
class Fused:
    """Neighbouring operations that no row changes, as one transfer matrix."""

    matrix: Real
    qubits: tuple[int, ...]  # lowest first

    def then(self, matrix: Real, qubits: tuple[int, ...]) -> "Fused":
        """Return an operation after this one, on the qubits of both."""
        joint = (*self.qubits, *(q for q in qubits if q not in self.qubits))
        return Fused(_on(matrix, qubits, joint) @ _on(self.matrix, self.qubits, joint), joint)

    def reordered(self, qubits: tuple[int, ...]) -> "Fused":
        return Fused(_on(self.matrix, self.qubits, qubits), qubits)


FusedOperation = Fused | Rotation


class MixedPaulis:
    """The Pauli expectation values of `operations` on |0...0> of some qubits.

    `index` says where each rotation stands among the harmonics. Qubits that have not met yet
    are held apart.
    """

    def __init__(
        self,
        qubits: tuple[int, ...],
        operations: Sequence[Operation],
        index: Mapping[Operation, int],
    ) -> None:
        self._qubits, self._index = qubits, index
        fused = _fuse(operations)
        self._rank = _along_a_line(qubits, fused)
        self._operations = [self._by_rank(op) if isinstance(op, Fused) else op for op in fused]

    def cost_per_row(self) -> float:
        """Return what one row costs at most, see `method`."""
        widths = [4 if isinstance(op, Rotation) else len(op.matrix) for op in self._operations]
        return float(4 ** len(self._qubits) * sum(widths))

    def __call__(self, harmonics: Tensor) -> Tensor:
        """Return the values `(4^m, n_rows)`, ``qubits[0]`` the lowest digit as in `pauli`.

        `harmonics` `(n_rotations, 3, n_rows)` holds 1, cos and sin of every rotation's angle.
        """
        zero = constant(_ZERO, harmonics)
        groups = {q: _Group((q,), zero) for q in self._qubits}
        for op in self._operations:
            group = self._joined([groups[q] for q in op.qubits])
            if isinstance(op, Rotation):
                group = group.rotated(op, harmonics[self._index[op]])
            else:
                group = group.changed(op)
            groups |= dict.fromkeys(group.qubits, group)
        return self._joined(list(groups.values())).moved(self._qubits[::-1]).values

    def _joined(self, groups: list["_Group"]) -> "_Group":
        apart = {id(group): group for group in groups}.values()
        whole, *others = sorted(apart, key=lambda group: -self._rank[group.qubits[0]])
        for other in others:
            product = whole.values[:, None] * other.values
            values = product.reshape(-1, product.shape[-1])
            whole = _Group(whole.qubits + other.qubits, values)
        return whole

    def _by_rank(self, fused: Fused) -> Fused:
        return fused.reordered(tuple(sorted(fused.qubits, key=self._rank.__getitem__)))


@dataclass(frozen=True, eq=False)
class _Group:
    """Qubits that have met: values `(4^m, n_rows)`, the digit of ``qubits[0]`` the highest."""

    qubits: tuple[int, ...]
    values: Tensor

    def changed(self, fused: Fused) -> "_Group":
        own = fused.qubits[::-1]
        group = self
        if not _stands_in(own, self.qubits):
            group = self.moved(own + tuple(q for q in self.qubits if q not in own))
        after = len(group.qubits) - group.qubits.index(own[0]) - len(own)
        width, n_rows = len(fused.matrix), self.values.shape[-1]
        wide = group.values.reshape(-1, width, 4**after * n_rows)
        matrix = constant(fused.matrix, wide).expand(len(wide), -1, -1)
        return _Group(group.qubits, torch.bmm(matrix, wide).reshape(-1, n_rows))

    def rotated(self, rotation: Rotation, harmonics: Tensor) -> "_Group":
        (a, b), (_, cos, sin) = turned_plane(rotation.name), harmonics
        after = len(self.qubits) - self.qubits.index(rotation.qubits[0]) - 1
        parts = list(self.values.reshape(-1, 4, 4**after, self.values.shape[-1]).unbind(1))
        parts[a], parts[b] = cos * parts[a] - sin * parts[b], sin * parts[a] + cos * parts[b]
        wide = torch.stack(torch.broadcast_tensors(*parts), 1)
        return _Group(self.qubits, wide.reshape(-1, wide.shape[-1]))

    def moved(self, order: tuple[int, ...]) -> "_Group":
        """Return the same with other digits first."""
        if order == self.qubits:
            return self
        axes = [self.qubits.index(q) for q in order]
        wide = self.values.reshape(*(4,) * len(axes), -1).permute(*axes, len(axes))
        return _Group(order, wide.reshape(self.values.shape))


def _fuse(operations: Sequence[Operation]) -> list[FusedOperation]:
    """Return the operations as fewer; rotations by parameters stand alone."""
    done: list[FusedOperation] = []
    pending: list[Fused] = []  # on qubits apart from each other
    for operation in operations:
        qubits = operation.qubits
        touched = [f for f in pending if set(f.qubits) & set(qubits)]
        pending = [f for f in pending if f not in touched]
        if isinstance(operation, Rotation) and operation.columns:
            done += [*touched, operation]
            continue
        if len({q for f in touched for q in f.qubits} | set(qubits)) > WIDEST_FUSED:
            done += [f for f in touched if not set(f.qubits) <= set(qubits)]
            touched = [f for f in touched if set(f.qubits) <= set(qubits)]
        whole = Fused(np.ones((1, 1)), ())
        for fused in touched:
            whole = whole.then(fused.matrix, fused.qubits)
        pending.append(whole.then(part_of(operation).still, qubits))
    return done + pending


def _along_a_line(qubits: tuple[int, ...], operations: Sequence[FusedOperation]) -> dict[int, int]:
    """Number the qubits so that those which meet stand near each other, if they can."""
    pairs = [[qubits.index(q) for q in op.qubits] for op in operations if len(op.qubits) == 2]
    one, other = zip(*pairs, strict=True) if pairs else ((), ())
    shape = (len(qubits), len(qubits))
    graph = csr_array((np.ones(2 * len(one)), (one + other, other + one)), shape=shape)
    order = reverse_cuthill_mckee(graph, symmetric_mode=True)
    return {qubits[place]: rank for rank, place in enumerate(order)}


def _stands_in(own: tuple[int, ...], qubits: tuple[int, ...]) -> bool:
    start = qubits.index(own[0])
    return qubits[start : start + len(own)] == own


def _on(matrix: Real, qubits: tuple[int, ...], joint: tuple[int, ...]) -> Real:
    """Return a transfer matrix on `qubits` as one on `joint`, which holds them all."""
    return embed(matrix, tuple(joint.index(q) for q in qubits), len(joint))
