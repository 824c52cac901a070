"""The product prefix: what data encoding makes of each group of qubits, as numbers per row.

A factor is a group of qubits that the front joins with no other. Its state enters an
expectation value through a few functions of the row's angles, its features:

- a qubit with one rotation by a row's angle: 1, cos and sin of that angle;
- an idle qubit: 1;
- any other group of m qubits: its 4^m Pauli expectation values, without those of an odd
  number of Y where amplitudes are real.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from qrec.backends.exact.heisenberg.mixed import MixedPaulis
from qrec.backends.exact.heisenberg.partition import Partition
from qrec.backends.exact.read.angles import Angles
from qrec.backends.exact.read.parts import part_of
from qrec.backends.exact.read.pauli import Real, rotation_parts
from qrec.backends.exact.read.program import Channel, Operation, Rotation
from qrec.backends.exact.state.pure import PurePaulis

_WIDEST_PURE = 4  # qubits


@dataclass(frozen=True, eq=False)
class Factor:
    """One group of qubits and the operations on it."""

    qubits: tuple[int, ...]
    operations: tuple[Operation, ...]
    harmonic: bool  # whether its features are 1, cos, sin
    row_columns: tuple[bool, ...]  # of each circuit parameter, whether it differs by row

    def columns(self) -> frozenset[int]:
        """Return the circuit parameters it depends on."""
        rotations = [op for op in self.operations if isinstance(op, Rotation)]
        return frozenset(c for op in rotations for c in op.columns)

    @property
    def is_plain(self) -> bool:
        """Whether its features are all its Pauli expectation values."""
        if self.pure is not None:
            return bool(len(self.pure.strings) == 4 ** len(self.qubits))
        return len(self.qubits) > 1 or (len(self.operations) > 0 and not self.harmonic)

    @cached_property
    def pure(self) -> PurePaulis | None:
        """The factor as a state vector, if it has several qubits but few and no noise."""
        noisy = any(isinstance(op, Channel) for op in self.operations)
        if noisy or not 1 < len(self.qubits) <= _WIDEST_PURE:
            return None
        return PurePaulis(self.qubits, self.operations, self.row_columns)

    @property
    def n_features(self) -> int:
        return int(4 ** len(self.qubits)) if self.is_plain else self.features.shape[1]

    @cached_property
    def features(self) -> Real:
        """Pauli strings in terms of features, `(4^m, n_features)`; for small factors."""
        if self.is_plain:
            return np.eye(self.n_features)
        if self.pure is not None:
            return np.eye(4 ** len(self.qubits))[:, self.pure.strings]
        start = np.array([1.0, 0.0, 0.0, 1.0])  # Pauli expectations of |0>
        if not self.operations:
            return start[:, None]
        *before, rotation = self.operations
        for operation in before:
            start = part_of(operation).still @ start
        assert isinstance(rotation, Rotation)
        return np.stack([part @ start for part in rotation_parts(rotation.name)], axis=1)


def factors_of(cut: Partition, row_columns: Sequence[bool]) -> list[Factor]:
    """Return the factors of a program's front, in the order of `cut.factors`."""
    out = []
    for qubits in cut.factors:
        own = tuple(op for op in cut.front if op.qubits[0] in qubits)
        angles = [op for op in own if isinstance(op, Rotation) and op.columns]
        harmonic = len(qubits) == 1 and len(angles) == 1
        out.append(Factor(qubits, own, harmonic, tuple(row_columns)))
    return out


class Front:
    """Computes the features of all factors for a batch of rows."""

    def __init__(self, factors: Sequence[Factor], row_columns: Sequence[bool]) -> None:
        self._factors = factors
        rotations = [op for f in factors for op in f.operations if isinstance(op, Rotation)]
        self._index: dict[Operation, int] = {op: i for i, op in enumerate(rotations)}
        self._angles = Angles(rotations, row_columns)
        self._mixed = {
            id(f): MixedPaulis(f.qubits, f.operations, self._index)
            for f in factors
            if f.operations and not f.harmonic and f.pure is None
        }

    def cost_per_row(self) -> float:
        """Return what one row costs, see `method`."""
        pure = sum(f.pure.cost_per_row() for f in self._factors if f.pure is not None)
        return pure + sum(mixed.cost_per_row() for mixed in self._mixed.values())

    def numbers_per_row(self) -> int:
        """Return how many real numbers a row takes."""
        return sum(3 * f.n_features for f in self._factors)

    def __call__(self, shared: Tensor, rows: Tensor) -> list[Tensor]:
        """Return the features of each factor, `(n_features, n_rows)` or `(n_features, 1)`."""
        angles = self._angles(shared, rows)
        cos, sin = torch.cos(angles), torch.sin(angles)
        harmonics = torch.stack([torch.ones_like(cos), cos, sin], dim=1)
        of_rotation = harmonics.unbind()  # not harmonics[i]: each would have a gradient as large
        out = []
        for factor in self._factors:
            if factor.harmonic:
                out.append(of_rotation[self._index[factor.operations[-1]]])
            elif factor.pure is not None:
                out.append(factor.pure(shared, rows))
            elif id(factor) in self._mixed:
                out.append(self._mixed[id(factor)](harmonics))
            else:
                out.append(torch.ones(1, 1, dtype=rows.dtype, device=rows.device))
        return out
