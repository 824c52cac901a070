"""Batches of state vectors: amplitudes `(2^n, n_rows)`, rows last, so memory is read in line."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qrec.backends.exact.machine.buffers import Buffers
from qrec.backends.exact.machine.constants import constant
from qrec.backends.exact.machine.memory import check_memory
from qrec.backends.exact.read.angles import Angles
from qrec.backends.exact.read.program import Fixed, Program, Rotation
from qrec.backends.exact.state.kernels import Dense, Turn, arrange
from qrec.backends.exact.state.monomial import Monomial

# Of one row at a time: two buffers, temporaries, and the tables of one gather.
_BYTES_PER_AMPLITUDE = 128
_ZERO = np.array([[1.0], [0.0]])  # the state |0>


class Evolution:
    """From parameters to states: a program of gates in large kernels (see `kernels`).

    The states lack the moves of `last`, which whoever reads them takes into account.
    """

    def __init__(self, program: Program, row_columns: Sequence[bool], real: bool) -> None:
        self.n_qubits, self.is_real = program.n_qubits, real
        check_memory(_BYTES_PER_AMPLITUDE * 2.0**program.n_qubits, f"{self.n_qubits} qubits")
        arrangement = arrange(program, row_columns)
        self._prefix_operations, self.kernels = arrangement.prefix, arrangement.kernels
        self.last = arrangement.last
        self.buffers = Buffers()
        turning = [kernel.rotation for kernel in self.kernels if isinstance(kernel, Turn)]
        by_row = _rotations(self._prefix_operations) + turning
        in_blocks = [
            op for k in self.kernels if isinstance(k, Dense) for op in _rotations([k.operations])
        ]
        self._index = {op: i for ops in (by_row, in_blocks) for i, op in enumerate(ops)}
        self._row_angles, self._block_angles = (
            Angles(ops, row_columns) for ops in (by_row, in_blocks)
        )

    def fix(self, shared: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function from rows `(n_row_parameters, n_rows)` to states."""
        matrices = self.matrices(shared)
        return lambda rows: self.run(shared, rows, matrices)

    def matrices(self, shared: Tensor) -> list[Tensor | None]:
        """Return the matrix of every kernel that is a dense block, None of the others."""
        dtype = self._dtype(shared)
        turns = _half_angles(self._block_angles(shared, shared[:, None]))
        return [
            self._matrix(kernel, turns, dtype) if isinstance(kernel, Dense) else None
            for kernel in self.kernels
        ]

    def run(self, shared: Tensor, rows: Tensor, matrices: Sequence[Tensor | None]) -> Tensor:
        """Return the states after as many kernels as there are `matrices`."""
        turns = _half_angles(self._row_angles(shared, rows))
        psi = self._prefix(turns, self._dtype(shared))
        for kernel, matrix in zip(self.kernels, matrices, strict=False):
            if isinstance(kernel, Dense) and matrix is not None:
                wide = psi.reshape(-1, len(matrix), 2**kernel.lowest * psi.shape[1])
                many = matrix.expand(len(wide), -1, -1)
                out = self.buffers.beside(psi, wide.shape)
                psi = torch.bmm(many, wide, out=out).reshape(psi.shape)
            elif isinstance(kernel, Turn):
                out = self.buffers.beside(psi, psi.shape)
                psi = self._turn(psi, kernel.rotation, turns, out)
            elif isinstance(kernel, Monomial):
                psi = self._move(psi, kernel)
        return psi

    def _dtype(self, shared: Tensor) -> torch.dtype:
        return shared.dtype if self.is_real else shared.dtype.to_complex()

    def numbers_per_row(self) -> int:
        """Return how many real numbers a row takes."""
        return int(2**self.n_qubits) * (1 if self.is_real else 2)

    def cost_per_row(self) -> float:
        """Return what one row costs, see `method`."""
        # Of one amplitude, as measured.
        cost = {Dense: 2.0**4, Turn: 12.0, Monomial: 3.0}
        passes = sum(cost[type(kernel)] for kernel in self.kernels)
        return float((passes + 6) * 2**self.n_qubits * (1 if self.is_real else 4))

    def _prefix(self, turns: Tensor, dtype: torch.dtype) -> Tensor:
        """Multiply together what the qubits are before they meet."""
        parts = [
            self._one_qubit(operations, turns, dtype) for operations in self._prefix_operations
        ]
        parts = parts or [torch.ones(1, 1, dtype=dtype, device=turns.device)]
        while len(parts) > 1:  # halves first: only the last product is a large one
            pairs = list(zip(parts[::2], parts[1::2], strict=False))
            parts = [self._product(low, high) for low, high in pairs] + parts[2 * len(pairs) :]
        return parts[0]

    def _product(self, low: Tensor, high: Tensor) -> Tensor:
        shape = (len(high), len(low), max(low.shape[1], high.shape[1]))
        whole = len(high) * len(low) == 2**self.n_qubits  # the others are held side by side
        out = self.buffers.beside(low, shape) if whole else None
        return torch.mul(high[:, None], low, out=out).reshape(len(high) * len(low), -1)

    def _one_qubit(
        self, operations: Sequence[Fixed | Rotation], turns: Tensor, dtype: torch.dtype
    ) -> Tensor:
        first = operations[0] if operations else None
        if isinstance(first, Rotation) and first.name == "ry":
            state, rest = turns[self._index[first]].to(dtype), operations[1:]
        else:
            state, rest = constant(_ZERO, turns).to(dtype), operations
        for operation in rest:
            if isinstance(operation, Fixed):
                state = _gate(operation, state) @ state
            else:
                state = self._turn(state, operation, turns)
        return state

    def _turn(
        self, psi: Tensor, rotation: Rotation, turns: Tensor, out: Tensor | None = None
    ) -> Tensor:
        """Rotate one qubit of `(2^n, n_rows)` or one factor of `(2, n_rows)`."""
        cos, sin = turns[self._index[rotation]].to(psi.dtype)
        lower = 0 if len(psi) == 2 else rotation.qubits[0]
        shape = (-1, 2, 2**lower, psi.shape[1])
        zero, one = psi.reshape(shape).unbind(1)
        if rotation.name == "rz":
            halves = [[(cos - 1j * sin, zero)], [(cos + 1j * sin, one)]]
        elif rotation.name == "ry":
            halves = [[(cos, zero), (-sin, one)], [(sin, zero), (cos, one)]]
        else:
            halves = [[(cos, zero), (-1j * sin, one)], [(-1j * sin, zero), (cos, one)]]
        if out is None:
            sums = [reduce(torch.add, [a * part for a, part in half]) for half in halves]
            return torch.stack(sums, 1).reshape(len(psi), -1)
        for place, ((a, part), *more) in zip(out.view(shape).unbind(1), halves, strict=True):
            torch.mul(a, part, out=place)
            for b, other in more:
                place.addcmul_(b, other)
        return out

    def _move(self, psi: Tensor, kernel: Monomial) -> Tensor:
        if kernel.moves:
            out = self.buffers.beside(psi, psi.shape)
            psi = (
                _Gather.apply(psi, kernel)  # type: ignore[no-untyped-call]
                if out is None
                else _gather(psi, kernel.source, out)
            )
        if kernel.rephases:
            factor = constant(kernel.phase, psi)[:, None]
            psi = torch.mul(psi, factor, out=self.buffers.beside(psi, psi.shape))
        return psi

    def _matrix(self, kernel: Dense, turns: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the matrix `(2^k, 2^k)` of a block."""
        k = kernel.n_qubits
        out = torch.eye(2**k, dtype=dtype, device=turns.device)
        for operation in kernel.operations:
            if isinstance(operation, Rotation):
                out = self._turn(out, operation, turns)
                continue
            axes = [k - 1 - q for q in reversed(operation.qubits)]
            first = list(range(len(axes)))
            moved = out.reshape(*(2,) * k, -1).movedim(axes, first)
            matrix = _gate(operation, out)
            changed = (matrix @ moved.reshape(len(matrix), -1)).reshape(moved.shape)
            out = changed.movedim(first, axes).reshape(2**k, -1)
        return out


def _rotations(prefix: Sequence[Sequence[Fixed | Rotation]]) -> list[Rotation]:
    return [op for operations in prefix for op in operations if isinstance(op, Rotation)]


def _half_angles(angles: Tensor) -> Tensor:
    """Return cos and sin of half the angles, `(n_rotations, 2, n_rows)`."""
    return torch.stack([torch.cos(angles / 2), torch.sin(angles / 2)], dim=1)


def _gate(operation: Fixed, like: Tensor) -> Tensor:
    return constant(operation.matrix, like)


def _gather(psi: Tensor, source: NDArray[np.int64], out: Tensor | None = None) -> Tensor:
    # Indexing by psi[source] takes four times as long.
    return torch.index_select(psi, 0, constant(source, psi), out=out)


class _Gather(torch.autograd.Function):
    """psi[source]; the gradient is a gather too, and no scattered sum."""

    @staticmethod
    def forward(ctx: Any, psi: Tensor, kernel: Monomial) -> Tensor:
        ctx.kernel = kernel
        return _gather(psi, kernel.source)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        return _gather(slope, ctx.kernel.target), None
