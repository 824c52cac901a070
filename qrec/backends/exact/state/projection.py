"""The last block of a circuit, cut to the rows that an observable of two values needs.

A diagonal observable of two values is low + (high - low) P, P projecting on some basis states,
and states are normalised: the squares of half of the amplitudes, or fewer, are enough.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qrec.backends.exact.machine.buffers import Buffers
from qrec.backends.exact.machine.constants import constant
from qrec.backends.exact.state.kernels import Dense, Kernel
from qrec.backends.exact.state.quadratic import Quadratic, squares

# With more, rows are so few at a time that the smaller products take longer, as measured.
_MOST_QUBITS = 9


@dataclass(frozen=True, eq=False)
class Projection:
    """<O> = offset + slope sum_i |psi_i|^2 over the states i that `rows` of the last block give.

    Seen from the block the other qubits are those above it and those below: `rows`
    `(n_above, n_below, n_kept)` are of the block's matrix.
    """

    offset: float
    slope: float
    rows: NDArray[np.int64]

    @property
    def n_read(self) -> int:
        return self.rows.size

    def kept(self, matrix: Tensor) -> Tensor:
        """Return the rows of the block's matrix, `(n_above, n_below, n_kept, 2^k)`."""
        return matrix[constant(self.rows, matrix)]

    def __call__(self, psi: Tensor, kept: Tensor, buffers: Buffers) -> Tensor:
        """Return the values `(n_rows,)` of states before the last block, given its `kept` rows."""
        n_above, n_below, n_kept, width = kept.shape
        before = psi.reshape(n_above, width, n_below, psi.shape[1]).transpose(1, 2)
        shape = (n_above, n_below, n_kept, psi.shape[1])
        out = buffers.beside(psi, shape)
        parts = [
            torch.bmm(kept[i], before[i], out=None if out is None else out[i])
            for i in range(n_above)
        ]
        states = torch.stack(parts) if out is None else out
        chances = squares(states.reshape(-1, psi.shape[1]), buffers)
        return self.offset + self.slope * chances.sum(0)


def projection(observable: Quadratic, last: Kernel) -> Projection | None:
    """Return how `observable` is read from half of the last kernel, if it can be."""
    if not isinstance(last, Dense) or not observable.is_diagonal:
        return None
    values = observable.phases[0].real
    if len(values) > 2**_MOST_QUBITS:
        return None
    low, high = values.min(), values.max()
    is_high = values > (low + high) / 2
    if not np.allclose(values, np.where(is_high, high, low), rtol=0, atol=1e-12):
        return None
    seen = is_high.reshape(-1, 2**last.n_qubits, 2**last.lowest).transpose(0, 2, 1)
    offset, slope = low, high - low
    if 2 * is_high.sum() > is_high.size:
        seen, offset, slope = ~seen, high, low - high
    counts = seen.sum(axis=2)
    if counts.min() != counts.max():
        return None
    rows = np.nonzero(seen)[2].reshape(*counts.shape, -1)
    return Projection(float(offset), float(slope), rows)
