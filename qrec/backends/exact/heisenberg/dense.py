"""The pull as one dense tensor, for observables that become too many Pauli strings to list.

The tensor has an axis of four letters for each qubit that is alive: already touched on the
way back from the observable, and not yet at its beginning. There a qubit's letters turn into
the features of its factor (see `front`).
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from qrec.backends.exact.heisenberg.blocks import Block
from qrec.backends.exact.heisenberg.front import Factor
from qrec.backends.exact.heisenberg.matrices import BlockMatrices
from qrec.backends.exact.machine.memory import check_memory
from qrec.backends.exact.read.pauli import Codes, Real, local
from qrec.errors import ConfigError


class DensePull:
    """A planned pull without gradients; like `pull.Pull`, its terms being feature products.

    Raises ConfigError where memory is short, with the figure.
    """

    def __init__(
        self, codes: Codes, coefficients: Real, blocks: Sequence[Block], factors: Sequence[Factor]
    ) -> None:
        self._codes, self._coefficients = codes, coefficients
        self.blocks, self._factors = blocks, factors
        self._last = {q: i for i, block in enumerate(blocks) for q in block.qubits}
        self._single = {f.qubits[0]: f for f in factors if len(f.qubits) == 1}
        self.peak = self._peak()
        # The tensor, its product with a block, and a copy with axes moved.
        check_memory(3 * 8 * 4**self.peak, f"{self.peak} noisy qubits at once")
        sizes = [f.n_features for f in factors]
        self.digits = np.indices(sizes).reshape(len(sizes), -1).T

    def work(self) -> float:
        """Return the multiplications of one pull, at most."""
        return float(sum(4 ** (self.peak + len(block.qubits)) for block in self.blocks))

    def forward(self, angles: Real) -> tuple[Real, None]:
        """Return the coefficients of all products of features, in the order of `digits`."""
        alive = self._first_qubits()
        tensor = np.zeros((4,) * len(alive))
        letters = tuple(local(self._codes, (q,)) for q in alive)
        np.add.at(tensor, letters, self._coefficients)
        for qubit in [q for q in alive if q not in self._last]:
            tensor, alive = self._begin(tensor, alive, qubit)
        for i, matrices in enumerate(BlockMatrices(self.blocks)(angles)):
            block = self.blocks[i]
            if not set(block.qubits) & set(alive):
                continue  # it only meets I
            tensor, alive = _apply(tensor, alive, block, reduce(np.matmul, matrices))
            for qubit in block.qubits:
                if self._last[qubit] == i:
                    tensor, alive = self._begin(tensor, alive, qubit)
        return self._in_features(tensor, alive), None

    def backward(self, angles: Real, tape: None, slope: Real) -> Real:
        raise ConfigError(
            f"no gradient through {self.peak} noisy qubits at once: the way back would not fit "
            "in memory; expected a circuit that is routed on fewer qubits"
        )

    def _first_qubits(self) -> list[int]:
        return [q for f in self._factors for q in f.qubits if local(self._codes, (q,)).any()]

    def _peak(self) -> int:
        alive, peak = set(self._first_qubits()), 1
        for i, block in enumerate(self.blocks):
            if alive & set(block.qubits):
                alive |= set(block.qubits)
                peak = max(peak, len(alive))
                alive -= {q for q in block.qubits if self._last[q] == i and self._idle(q)}
        return max(peak, len(alive))

    def _idle(self, qubit: int) -> bool:
        return qubit in self._single and self._single[qubit].n_features == 1

    def _begin(self, tensor: Real, alive: list[int], qubit: int) -> tuple[Real, list[int]]:
        """Turn the letters of a qubit that has no operation left into features."""
        if qubit not in self._single or qubit not in alive:
            return tensor, alive
        features = self._single[qubit].features
        moved = np.moveaxis(tensor, alive.index(qubit), 0)
        rest = [q for q in alive if q != qubit]
        out = np.tensordot(features, moved, axes=(0, 0))
        return (out[0], rest) if len(out) == 1 else (out, [qubit, *rest])

    def _in_features(self, tensor: Real, alive: list[int]) -> Real:
        """Return the tensor's entries in the order of the factors' features."""
        for factor in self._factors:
            for qubit in reversed(factor.qubits):
                if qubit not in alive and not self._idle(qubit):
                    size = 4 if qubit not in self._single else self._single[qubit].n_features
                    wide = np.zeros((size, *tensor.shape))
                    wide[0] = tensor  # I, or the feature 1
                    tensor, alive = wide, [qubit, *alive]
        order = [q for f in self._factors for q in reversed(f.qubits) if q in alive]
        return tensor.transpose([alive.index(q) for q in order]).ravel()


def _apply(tensor: Real, alive: list[int], block: Block, matrix: Real) -> tuple[Real, list[int]]:
    for qubit in block.qubits:
        if qubit not in alive:
            wide = np.zeros((4, *tensor.shape))
            wide[0] = tensor
            tensor, alive = wide, [qubit, *alive]
    # The block's qubits become the first axes, the highest first as in Pauli codes.
    own = list(reversed(block.qubits))
    order = own + [q for q in alive if q not in own]
    moved = tensor.transpose([alive.index(q) for q in order])
    out = matrix.T @ moved.reshape(len(matrix), -1)
    return out.reshape(moved.shape), order
