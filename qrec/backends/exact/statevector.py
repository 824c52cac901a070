"""The batched state vector, in torch so that every parameter has a gradient.

Qubits start as separate factors and are multiplied together only when a gate joins them.
Where the last operations take the same parameters for every row, they are not applied to
the rows: the observable is pulled back through them once (Heisenberg picture).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from qrec.backends.exact.observable import Observable
from qrec.backends.exact.program import Fixed, Program, Rotation

Values = Sequence[Tensor]  # one per circuit parameter: () for all rows alike, or (n_rows,)


class _Factor:
    """The joint state of some qubits: amplitudes (n_rows or 1, 2, ..., 2), one axis a qubit."""

    def __init__(self, qubits: list[int], amplitudes: Tensor) -> None:
        self.qubits = qubits
        self.amplitudes = amplitudes

    def join(self, other: "_Factor") -> "_Factor":
        left, right = self.amplitudes, other.amplitudes
        left = left.reshape(*left.shape, *(1,) * len(other.qubits))
        right = right.reshape(right.shape[0], *(1,) * len(self.qubits), *right.shape[1:])
        return _Factor(self.qubits + other.qubits, left * right)

    def apply(self, matrix: Tensor, qubits: tuple[int, ...]) -> None:
        """Multiply by a matrix `(2^k, 2^k)`, or one per row, in Qiskit's qubit order."""
        axes = [1 + self.qubits.index(q) for q in reversed(qubits)]
        last = list(range(-len(axes), 0))
        moved = self.amplitudes.movedim(axes, last)
        flat = moved.reshape(moved.shape[0], -1, 2 ** len(axes)) @ matrix.mT
        self.amplitudes = flat.reshape(flat.shape[0], *moved.shape[1:]).movedim(last, axes)


def expectation(program: Program, observable: Observable, values: Values) -> Tensor:
    """Return <psi(row)|O|psi(row)> for all rows, `(n_rows,)`.

    `values` holds one tensor per parameter, `()` or `(n_rows,)`, float32 or float64; the
    answer has that precision and is differentiable in all of them.
    """
    like = values[0] if values else torch.zeros((), dtype=torch.float64)
    real = program.is_real and observable.is_real
    dtype = like.dtype if real else like.dtype.to_complex()
    n_rows = max([1, *(len(v) for v in values if v.ndim)])
    first_shared = _first_shared(program, values)
    dimension = 2**program.n_qubits
    if n_rows <= dimension:
        first_shared = len(program.operations)
    state = _run(program, values, 0, first_shared, _zero_state(program, dtype))
    psi = state.reshape(-1, dimension)
    if first_shared == len(program.operations):
        values_of_rows = (psi.conj() * observable.apply(psi)).sum(-1)
    else:
        basis = torch.eye(dimension, dtype=dtype).reshape(dimension, *(2,) * program.n_qubits)
        everything = [_Factor(_order(program), basis)]
        suffix = _run(program, values, first_shared, len(program.operations), everything)
        columns = suffix.reshape(dimension, dimension)
        pulled = columns.conj() @ observable.apply(columns).mT
        values_of_rows = ((psi.conj() @ pulled) * psi).sum(-1)
    out = values_of_rows.real if not real else values_of_rows
    return out.expand(n_rows) if len(out) < n_rows else out


def _order(program: Program) -> list[int]:
    return list(reversed(range(program.n_qubits)))


def _zero_state(program: Program, dtype: torch.dtype) -> list[_Factor]:
    zero = torch.tensor([[1.0, 0.0]], dtype=dtype)
    return [_Factor([qubit], zero) for qubit in _order(program)]


def _first_shared(program: Program, values: Values) -> int:
    """Return where the operations begin that are the same for every row up to the end."""
    for place in reversed(range(len(program.operations))):
        operation = program.operations[place]
        if isinstance(operation, Rotation) and any(values[c].ndim for c in operation.columns):
            return place + 1
    return 0


def _run(program: Program, values: Values, start: int, stop: int, factors: list[_Factor]) -> Tensor:
    """Apply operations [start, stop) and return the amplitudes, highest qubit first."""
    for operation in program.operations[start:stop]:
        qubits = operation.qubits
        touched = [factor for factor in factors if set(factor.qubits) & set(qubits)]
        factor = touched[0]
        for other in touched[1:]:
            factor = factor.join(other)
        factor.apply(_matrix(operation, values, factor.amplitudes.dtype), qubits)
        factors = [f for f in factors if f not in touched] + [factor]
    state = factors[0]
    for other in factors[1:]:
        state = state.join(other)
    axes = [1 + state.qubits.index(q) for q in _order(program)]
    return state.amplitudes.permute(0, *axes)


def _matrix(operation: Fixed | Rotation, values: Values, dtype: torch.dtype) -> Tensor:
    """Return the gate as `(2^k, 2^k)`, or `(n_rows, 2, 2)` for angles that differ by row."""
    if isinstance(operation, Fixed):
        matrix = torch.tensor(operation.matrix)
        return (matrix if dtype.is_complex else matrix.real).to(dtype)
    angle = torch.tensor(operation.constant, dtype=dtype.to_real())
    for column, coefficient in zip(operation.columns, operation.coefficients, strict=True):
        angle = angle + coefficient * values[column]
    cos, sin = torch.cos(angle / 2), torch.sin(angle / 2)
    if operation.name == "ry":
        entries = [cos, -sin, sin, cos]
    elif operation.name == "rx":
        entries = [cos + 0j, -1j * sin, -1j * sin, cos + 0j]
    else:
        nought = torch.zeros_like(cos) + 0j
        entries = [cos - 1j * sin, nought, nought, cos + 1j * sin]
    return torch.stack(entries, -1).reshape(*angle.shape, 2, 2).to(dtype)
