"""The matrices of a pull's blocks at given angles, and their gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from qrec.backends.exact.heisenberg.blocks import Block
from qrec.backends.exact.read.pauli import Real


@dataclass(frozen=True, eq=False)
class Stack:
    """Parts of one width: matrices ``still + cos(angle) cos + sin(angle) sin``."""

    places: list[int]  # among all parts with angles
    angle: NDArray[np.int64]  # which of the shared angles, (n,)
    still: Real  # (n, 4^k, 4^k), as the next two
    cos: Real
    sin: Real

    def matrices(self, angles: Real) -> Real:
        angle = angles[self.angle][:, None, None]
        return np.asarray(self.still + np.cos(angle) * self.cos + np.sin(angle) * self.sin)

    def gradient(self, angles: Real, slopes: Real) -> Real:
        """Return the gradient of sum(slopes * matrices) in the angle of each part, (n,)."""
        angle = angles[self.angle]
        in_cos, in_sin = (np.einsum("pij,pij->p", slopes, m) for m in (self.cos, self.sin))
        return np.asarray(np.cos(angle) * in_sin - np.sin(angle) * in_cos)


class BlockMatrices:
    """The matrices of all parts of some blocks, worked out together.

    One by one they would take longer to call for than to compute.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = blocks
        self.stacks = []
        turning = [part for block in blocks for part in block.parts if part.angle >= 0]
        for width in sorted({len(part.still) for part in turning}):
            places = [i for i, part in enumerate(turning) if len(part.still) == width]
            some = [turning[i] for i in places]
            still, cos, sin = (
                np.array([getattr(part, name) for part in some]) for name in ("still", "cos", "sin")
            )
            angle = np.array([part.angle for part in some])
            self.stacks.append(Stack(places, angle, still, cos, sin))

    def __call__(self, angles: Real) -> list[list[Real]]:
        """Return the matrices of the parts of each block at the shared `angles`."""
        turned: dict[int, Real] = {}
        for stack in self.stacks:
            turned |= zip(stack.places, stack.matrices(angles), strict=True)
        place = count()
        return [
            [part.still if part.angle < 0 else turned[next(place)] for part in block.parts]
            for block in self._blocks
        ]

    def gradient(self, angles: Real, slopes: Sequence[Real]) -> Real:
        """Return the gradient `(n_angles,)`, given those in the matrices with angles, in order."""
        out = np.zeros_like(angles)
        for stack in self.stacks:
            own = np.array([slopes[i] for i in stack.places])
            np.add.at(out, stack.angle, stack.gradient(angles, own))
        return out
