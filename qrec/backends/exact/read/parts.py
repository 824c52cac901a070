"""Transfer matrices of single operations as functions of an angle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qrec.backends.exact.read.pauli import Real, rotation_parts
from qrec.backends.exact.read.program import Operation, Rotation


@dataclass(frozen=True, eq=False)
class Part:
    """A + cos(angle) B + sin(angle) C, or the constant A: one operation of a block."""

    still: Real
    cos: Real | None = None
    sin: Real | None = None
    angle: int = -1  # which of the shared angles

    def leaves(self, strings: NDArray[np.int64]) -> bool:
        """Return whether a pull leaves these Pauli strings as they are, at every angle."""
        turns = self.cos is not None and bool(self.cos[strings].any())
        same = np.eye(len(self.still))[strings]
        return not turns and np.allclose(self.still[strings], same, atol=1e-12)

    def pattern(self) -> NDArray[np.bool_]:
        cos = self.still if self.cos is None else self.cos
        sin = self.still if self.sin is None else self.sin
        out: NDArray[np.bool_] = (np.abs(self.still) + np.abs(cos) + np.abs(sin)) > 0
        return out


def part_of(operation: Operation, angle: int = 0) -> Part:
    """Return an operation's transfer matrix; `angle` is the place of its shared angle."""
    if isinstance(operation, Rotation):
        still, cos, sin = rotation_parts(operation.name)
        if operation.columns:
            return Part(still, cos, sin, angle)
        constant = operation.constant
        return Part(still + np.cos(constant) * cos + np.sin(constant) * sin)
    return Part(operation.transfer())
