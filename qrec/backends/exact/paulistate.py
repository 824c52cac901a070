"""Batches of states as their Pauli expectation values: exact with noise as well as without."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from qrec.backends.exact.evolution import Evolution
from qrec.backends.exact.pauli import AXES, paulis
from qrec.backends.exact.program import Operation, Program, Rotation


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


class PurePaulis:
    """The Pauli expectation values of a small noiseless factor, by way of its state vector.

    <psi|P|psi> is linear in the products psi_i^* psi_j: 4^m numbers from 2^m amplitudes.
    """

    def __init__(
        self,
        qubits: tuple[int, ...],
        operations: Sequence[Operation],
        row_columns: Sequence[bool],
    ) -> None:
        own = [replace(op, qubits=tuple(qubits.index(q) for q in op.qubits)) for op in operations]
        program = Program(len(qubits), len(row_columns), tuple(own))
        self._evolution = Evolution(program, row_columns, program.is_real)
        last = self._evolution.last
        strings = paulis(len(qubits))  # seen after `last`
        inverse = last.inverse()
        moved = strings[:, inverse.source][:, :, inverse.source]
        phases = inverse.phase[:, None].conj() * inverse.phase
        self._strings = torch.from_numpy((moved * phases.conj()).reshape(len(strings), -1))

    def __call__(self, shared: Tensor, rows: Tensor) -> Tensor:
        """Return the values `(4^m, n_rows)`, strings in the order of their codes."""
        psi = self._evolution.fix(shared)(rows)
        products = (psi.conj()[:, None] * psi).reshape(len(psi) ** 2, -1)
        if psi.is_complex():
            return (self._strings.to(psi) @ products).real
        return self._strings.real.to(psi) @ products


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
