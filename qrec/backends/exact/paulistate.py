"""Batches of states as their Pauli expectation values: exact with noise as well as without."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from qrec.backends.exact.pauli import AXES
from qrec.backends.exact.program import Operation, Rotation


def run_pauli(
    qubits: tuple[int, ...],
    operations: Sequence[Operation],
    harmonics: Tensor,
    index: Mapping[Operation, int],
) -> Tensor:
    """Return the Pauli expectation values `(4^m, n_rows)` of `operations` on |0...0>.

    `harmonics` `(n_rotations, 3, n_rows)` holds 1, cos and sin of every rotation's angle, and
    `index` says where each rotation stands in it. Order as in `pauli`, ``qubits[0]`` lowest.
    """
    m = len(qubits)
    zero = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=harmonics.dtype, device=harmonics.device)
    state = torch.ones(1, dtype=harmonics.dtype, device=harmonics.device)
    for _ in qubits:
        state = torch.outer(zero, state).reshape(-1)
    state = state[:, None]
    for operation in operations:
        if isinstance(operation, Rotation):
            place = qubits.index(operation.qubits[0])
            _, cos, sin = harmonics[index[operation]]
            state = _rotate(state, AXES[operation.name], place, cos, sin)
        else:
            places = [qubits.index(q) for q in operation.qubits]
            matrix = torch.from_numpy(operation.transfer()).to(harmonics)
            state = _apply(state, matrix, places, m)
    return state


def _rotate(state: Tensor, axis: int, place: int, cos: Tensor, sin: Tensor) -> Tensor:
    parts = list(state.reshape(-1, 4, 4**place, state.shape[-1]).unbind(1))
    a, b = axis % 3 + 1, (axis + 1) % 3 + 1
    parts[a], parts[b] = cos * parts[a] - sin * parts[b], sin * parts[a] + cos * parts[b]
    wide = torch.broadcast_tensors(*parts)
    return torch.stack(wide, 1).reshape(-1, wide[0].shape[-1])


def _apply(state: Tensor, matrix: Tensor, places: list[int], m: int) -> Tensor:
    axes = [m - 1 - place for place in reversed(places)]
    first = list(range(len(axes)))
    moved = state.reshape(*(4,) * m, state.shape[-1]).movedim(axes, first)
    out = matrix @ moved.reshape(len(matrix), -1)
    return out.reshape(moved.shape).movedim(first, axes).reshape(state.shape)
