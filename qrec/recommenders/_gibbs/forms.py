"""An expectation value as a multilinear form in 1, cos and sin of a user's and an item's angles."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.backends.device.snapshots import Snapshot
from qrec.backends.exact.read.cone import light_cone
from qrec.backends.exact.read.program import Rotation
from qrec.backends.exact.read.question import Question
from qrec.recommenders._angle_training import Differentiable
from qrec.recommenders._gibbs.patterns import Digits, Draw, Patterns
from qrec.recommenders._roles import Roles
from qrec.recommenders.quantum import vector_index, vector_name
from qrec.types import AnyCodes, Array

MOST_NODES = 3**10  # evaluations from which a table is made; beyond, angles are shifted one by one
_NUMBERS_AT_ONCE = 2**19
# Of f(phi) = A + B cos phi + C sin phi at 0, 2 pi / 3 and 4 pi / 3: A, B and C.
_NODES = np.array([0.0, 2 * np.pi / 3, 4 * np.pi / 3])
_FROM_NODES = np.vstack([np.full(3, 1 / 3), 2 / 3 * np.cos(_NODES), 2 / 3 * np.sin(_NODES)])


class Exact(Protocol):
    """A backend of kind exact."""

    @property
    def pinned(self) -> Snapshot | None: ...

    def expectation(
        self, circuit: QuantumCircuit, observable: SparseObservable
    ) -> Differentiable: ...


class Fixed(ABC):
    """What is read, at fixed weights, as a function of my angles and of the others'.

    Mine are a user's and the others' an item's, or, `mirrored`, the other way round.
    """

    numbers_per_rating: int

    @abstractmethod
    def mirrored(self) -> "Fixed": ...

    @abstractmethod
    def values(self, mine: Array, others: Array, me: AnyCodes, other: AnyCodes) -> Array:
        """Return the value `(n,)` of each pair of codes, given angles `(n_rows, length)`."""

    @abstractmethod
    def seen(self, others: Array) -> Array:
        """Return what `visit` needs of the others' angles, worked out once."""

    @abstractmethod
    def visit(self, mine: Array, seen: Array, me: AnyCodes, other: AnyCodes, draw: Draw) -> None:
        """Have every one of my angles drawn in turn, with B and C of each pair of codes."""


class Form(ABC):
    """What is read as a function of angles and of weights."""

    @abstractmethod
    def fix(self, weights: Array) -> Fixed:
        """Return it at weights `(n_weights,)`."""


@dataclass(frozen=True, eq=False)
class Table(Fixed):
    """sum_pq `matrix`_pq P_p(my angles) Q_q(others' angles), with products P and Q."""

    matrix: Array
    own: Patterns
    theirs: Patterns

    @property
    def numbers_per_rating(self) -> int:  # type: ignore[override]
        return len(self.own)

    def mirrored(self) -> "Table":
        return Table(self.matrix.T, self.theirs, self.own)

    def values(self, mine: Array, others: Array, me: AnyCodes, other: AnyCodes) -> Array:
        left = np.ascontiguousarray(self.own.products(mine).T)
        right = np.ascontiguousarray(self.seen(others).T)
        step = max(1, _NUMBERS_AT_ONCE // len(self.own))
        parts = [
            np.einsum("np,np->n", left[me[at : at + step]], right[other[at : at + step]])
            for at in range(0, len(me), step)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def seen(self, others: Array) -> Array:
        found: Array = self.matrix @ self.theirs.products(others)
        return found

    def visit(self, mine: Array, seen: Array, me: AnyCodes, other: AnyCodes, draw: Draw) -> None:
        cos, sin = np.cos(mine), np.sin(mine)
        waves = [(cos[me, j], sin[me, j]) for j in range(mine.shape[1])]
        self.own.visit(seen[:, other], waves, draw)


@dataclass(frozen=True, eq=False)
class _Group:
    """Terms of the observable that hang on the same angles."""

    columns: tuple[tuple[int, int], ...]  # side, 0 or 1, and place in its vector
    expectation: Differentiable
    rows: Mapping[str, torch.Tensor]

    def coefficients(self, weights: Mapping[str, torch.Tensor]) -> Array:
        """Return the numbers of all products of 1, cos and sin, `(3,) * n_columns`."""
        with torch.no_grad():
            value = self.expectation({**self.rows, **weights})
        table: Array = value.numpy().reshape((3,) * len(self.columns))
        for axis in range(table.ndim):
            table = np.moveaxis(np.tensordot(_FROM_NODES, table, (1, axis)), 0, axis)
        return table


class TableForm(Form):
    """The form's numbers from evaluations at three angles each, on the exact engine.

    Terms of the observable are taken apart by the angles within their light cone, so that 3^n
    evaluations are those of the widest cone and not of the circuit. `training` may be a device's
    noise as well: a channel changes the numbers and not the form.
    """

    def __init__(self, groups: Sequence[_Group], sizes: tuple[int, int], weights: str | None,
                 n_weights: int) -> None:  # fmt: skip
        self._groups, self._weights = groups, weights
        digits = [_digits(group, sizes) for group in groups]
        every = np.concatenate(digits) if digits else np.zeros((0, sum(sizes)), int)
        # What vanishes at weights drawn at random vanishes at all weights.
        rng = np.random.default_rng(0)
        trial = self._flat(rng.uniform(-np.pi, np.pi, n_weights))
        self._kept = np.flatnonzero(np.abs(trial) > 1e-9)
        left, right = every[self._kept, : sizes[0]], every[self._kept, sizes[0] :]
        own, self._own = np.unique(left, axis=0, return_inverse=True)
        theirs, self._theirs = np.unique(right, axis=0, return_inverse=True)
        self._patterns = Patterns(own), Patterns(theirs)

    def fix(self, weights: Array) -> Table:
        matrix = np.zeros((len(self._patterns[0]), len(self._patterns[1])))
        place = self._own.reshape(-1), self._theirs.reshape(-1)
        np.add.at(matrix, place, self._flat(weights)[self._kept])
        return Table(matrix, *self._patterns)

    def _flat(self, weights: Array) -> Array:
        named = {} if self._weights is None else {self._weights: torch.from_numpy(weights)}
        return np.concatenate([group.coefficients(named).ravel() for group in self._groups])


def table_form(
    backend: Exact, circuit: QuantumCircuit, observable: SparseObservable, roles: Roles
) -> TableForm | None:
    """Return the table of a circuit and an observable; None where it would be too large."""
    names = roles.user, roles.item
    sizes = {name: 0 for name in (*names, roles.weights) if name is not None}
    for parameter in circuit.parameters:
        sizes[vector_name(parameter)] = len(parameter.vector)
    apart: dict[tuple[tuple[int, int], ...], list[SparseObservable]] = {}
    for term in observable.as_paulis():
        one = SparseObservable.from_sparse_list(
            [(term.bit_labels(), list(term.indices), term.coeff)], circuit.num_qubits
        )
        apart.setdefault(_columns(backend, circuit, one, names), []).append(one)
    if max(3 ** len(columns) for columns in apart) > MOST_NODES:
        return None
    groups = []
    for columns, terms in apart.items():
        nodes = np.indices((3,) * len(columns)).reshape(len(columns), 3 ** len(columns))
        rows = {name: torch.zeros(nodes.shape[1], sizes[name], dtype=torch.float64)
                for name in names}  # fmt: skip
        for (side, place), node in zip(columns, nodes, strict=True):
            rows[names[side]][:, place] = torch.from_numpy(_NODES[node])
        expectation = backend.expectation(circuit, sum(terms[1:], terms[0]))
        groups.append(_Group(columns, expectation, rows))
    n_weights = sizes.get(roles.weights or "", 0)
    return TableForm(groups, (sizes[names[0]], sizes[names[1]]), roles.weights, n_weights)


def _columns(
    backend: Exact, circuit: QuantumCircuit, term: SparseObservable, names: tuple[str, str]
) -> tuple[tuple[int, int], ...]:
    """Return the users' and items' angles that a term hangs on."""
    parameters = list(circuit.parameters)
    inside = list(range(len(parameters)))
    if backend.pinned is None:  # noise may carry an angle to where gates do not
        [observed] = Question(circuit, [term]).observed()
        seen, _ = light_cone(observed.program, observed.codes)
        rotations = [op for op in seen.operations if isinstance(op, Rotation)]
        inside = sorted({column for op in rotations for column in op.columns})
    found = [
        (names.index(vector_name(parameters[c])), vector_index(parameters[c]))
        for c in inside
        if vector_name(parameters[c]) in names
    ]
    return tuple(sorted(found))


def _digits(group: _Group, sizes: tuple[int, int]) -> Digits:
    """Return which of 1, cos and sin each number of a group's table stands with."""
    n = len(group.columns)
    out = np.zeros((3**n, sum(sizes)), np.int64)
    for (side, place), digit in zip(group.columns, np.indices((3,) * n).reshape(n, 3**n),
                                    strict=True):  # fmt: skip
        out[:, side * sizes[0] + place] = digit
    return out
