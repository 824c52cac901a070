"""Expectation values as left(row)^T T right(row), T being the pulled-back observable.

With U the suffix that all rows share, <psi(row)| U^+ O U |psi(row)> is linear in the Pauli
expectation values of psi(row), and those are products over its factors. The factors are dealt
to two sides; `HeisenbergTable` holds T and `Side` the products that occur, computed once per row.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from qrec.backends.exact.heisenberg.blocks import fuse
from qrec.backends.exact.heisenberg.dense import DensePull
from qrec.backends.exact.heisenberg.device_pull import device_pull
from qrec.backends.exact.heisenberg.front import Factor, Front, factors_of
from qrec.backends.exact.heisenberg.partition import partition
from qrec.backends.exact.heisenberg.pull import MOST_TERMS, Pull, TooManyTermsError, plan_pull
from qrec.backends.exact.machine.constants import constant
from qrec.backends.exact.read.angles import Angles
from qrec.backends.exact.read.cone import light_cone
from qrec.backends.exact.read.pauli import Codes, Real, local
from qrec.backends.exact.read.program import Rotation
from qrec.backends.exact.read.question import ObservedProgram
from qrec.errors import ConfigError


class Side:
    """Products of features of some factors, one per pattern that the table asks for.

    `digits` `(n_patterns, n_factors)` says which feature of each factor a pattern takes.
    """

    def __init__(self, digits: Codes) -> None:
        self.patterns, self.of_term = np.unique(digits, axis=0, return_inverse=True)
        self._parents: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        known = np.zeros((1, 0), np.int64)
        for length in range(1, self.patterns.shape[1] + 1):
            heads = np.unique(self.patterns[:, :length], axis=0)
            place = {tuple(head): i for i, head in enumerate(known)}
            parent = np.array([place[tuple(head[:-1])] for head in heads])
            self._parents.append((parent, heads[:, -1]))
            known = heads

    def __len__(self) -> int:
        return len(self.patterns)

    def __call__(self, features: Sequence[Tensor], like: Tensor) -> Tensor:
        """Return the products `(n_patterns, n_rows)`."""
        out = torch.ones(1, 1, dtype=like.dtype, device=like.device)[: len(self)]
        for (parent, feature), values in zip(self._parents, features, strict=True):
            if len(parent) == len(out) * len(values):
                out = (out[:, None] * values).reshape(len(parent), -1)
            elif len(values) > 1 or len(parent) > 1:
                # Not out[parent]: its gradient is summed element by element.
                heads = out.index_select(0, constant(parent, like))
                out = heads * values.index_select(0, constant(feature, like))
        return out


class _PullFunction(torch.autograd.Function):
    """The pull, in float64 on the CPU: its gradient walks the same blocks backwards."""

    @staticmethod
    def forward(ctx: Any, angles: Tensor, table: "HeisenbergTable") -> Tensor:
        ctx.table, ctx.like = table, angles
        ctx.angles = angles.detach().cpu().double().numpy()
        coefficients, ctx.tape = table.pull.forward(ctx.angles)
        return torch.from_numpy(table.spread_terms(coefficients)).to(angles)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        gathered = ctx.table.gather_terms(slope.detach().cpu().double().numpy())
        return torch.from_numpy(ctx.table.pull.backward(ctx.angles, ctx.tape, gathered)).to(
            ctx.like
        ), None


class HeisenbergTable:
    """A program and an observable, planned for parameters that are shared or differ by row.

    The left side takes the factors that depend on `left_columns`, by default half of the
    qubits. Beyond `limit` Pauli strings the pull is `dense`, or TooManyTermsError is raised.
    """

    def __init__(
        self,
        observed: ObservedProgram,
        row_columns: Sequence[bool],
        left_columns: frozenset[int] | None = None,
        limit: int = MOST_TERMS,
        dense: bool = False,
    ) -> None:
        seen, kept = light_cone(observed.program, observed.codes)
        codes, coefficients = local(observed.codes, kept), observed.coefficients
        parts = partition(seen, row_columns)
        factors = factors_of(parts, row_columns)
        rotations = [op for op in parts.suffix if isinstance(op, Rotation)]
        blocks = fuse(parts.suffix, {op: i for i, op in enumerate(rotations)})
        self._angles = Angles(rotations, row_columns)
        self.pull: Pull | DensePull
        try:
            needed = partial(_can_contribute, factors)
            self.pull = plan_pull(codes, coefficients, blocks, needed, limit)
            term, digits, weight = _expand(self.pull.codes, factors)
        except TooManyTermsError:
            if not dense:
                raise
            self.pull = DensePull(codes, coefficients, blocks, factors)
            digits = self.pull.digits
            term, weight = np.arange(len(digits)), np.ones(len(digits))
        self.n_terms = int(term.max(initial=-1)) + 1
        used = [i for i in range(len(factors)) if digits[:, i].any()]
        if left_columns is None:
            left = used[: _half([factors[i] for i in used])]
        else:
            left = [i for i in used if factors[i].columns() & left_columns]
            _check_apart([factors[i] for i in left], left_columns, row_columns)
        right = [i for i in used if i not in left]
        self.left, self.right = Side(digits[:, left]), Side(digits[:, right])
        self.left_factors, self.right_factors = (
            [factors[i] for i in side] for side in (left, right)
        )
        self._fronts = [Front([factors[i] for i in side], row_columns) for side in (left, right)]
        place = self.left.of_term * len(self.right) + self.right.of_term
        self._terms, self._places, self._weights = term, place, weight
        shape = (len(self.left) * len(self.right), self.n_terms)
        self._spread = csr_array((weight, (place, term)), shape=shape)
        self._gather = self._spread.T.tocsr()

    def matrix(self, shared: Tensor) -> Tensor:
        """Return T `(n_left, n_right)` at the shared parameters `(n_shared,)`."""
        angles = self._angles(shared, shared[:, None])[:, 0]
        if angles.is_cuda and isinstance(self.pull, Pull):
            flat = self._spread_on_device(device_pull(self.pull, angles))
        else:
            flat = _PullFunction.apply(angles, self)  # type: ignore[no-untyped-call]
        return flat.reshape(len(self.left), len(self.right))

    def sides(self, shared: Tensor, left_rows: Tensor, right_rows: Tensor) -> list[Tensor]:
        """Return the two sides' products, `(n_left, n_rows)` and `(n_right, n_rows)`.

        Rows are `(n_row_parameters, n_rows)`; a side reads the parameters of its factors.
        """
        return [
            side(front(shared, rows), rows)
            for side, front, rows in zip(
                (self.left, self.right), self._fronts, (left_rows, right_rows), strict=True
            )
        ]

    def __call__(self, shared: Tensor, rows: Tensor) -> Tensor:
        """Return the expectation values `(n_rows,)`."""
        return self.fix(shared)(rows)

    def fix(self, shared: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function of the rows `(n_row_parameters, n_rows)` at shared parameters."""
        matrix = self.matrix(shared)

        def evaluate(rows: Tensor) -> Tensor:
            left, right = self.sides(shared, rows, rows)
            return (left * (matrix @ right)).sum(0).expand(rows.shape[1])

        return evaluate

    def numbers_per_row(self) -> int:
        """Return how many real numbers a row takes."""
        in_sides = 2 * (len(self.left) + len(self.right))
        return in_sides + sum(front.numbers_per_row() for front in self._fronts)

    def cost_per_row(self) -> float:
        """Return what one row costs, see `method`."""
        products = len(self.left) * len(self.right) + len(self.left) + len(self.right)
        return products + sum(front.cost_per_row() for front in self._fronts)

    def _spread_on_device(self, coefficients: Tensor) -> Tensor:
        entries = constant(self._weights, coefficients) * coefficients.index_select(
            0, constant(self._terms, coefficients)
        )
        flat = entries.new_zeros(len(self.left) * len(self.right))
        return flat.index_add(0, constant(self._places, entries), entries)

    def spread_terms(self, coefficients: Real) -> Real:
        out: Real = self._spread @ coefficients
        return out

    def gather_terms(self, flat: Real) -> Real:
        out: Real = self._gather @ flat
        return out


def _check_apart(
    factors: Sequence[Factor], left_columns: frozenset[int], row_columns: Sequence[bool]
) -> None:
    rows = {c for c, by_row in enumerate(row_columns) if by_row}
    for factor in factors:
        if factor.columns() & rows - left_columns:
            raise ConfigError(
                f"qubits {factor.qubits} depend on parameters of both sides; all pairs need "
                "two encodings that no gate joins"
            )


def _half(factors: Sequence[Factor]) -> int:
    """Return how many factors hold half of the qubits."""
    sizes = np.cumsum([len(f.qubits) for f in factors])
    return int(np.searchsorted(sizes, sizes[-1] / 2)) + 1 if len(sizes) else 0


def _can_contribute(factors: Sequence[Factor], codes: Codes) -> NDArray[np.bool_]:
    out = np.ones(len(codes), bool)
    for factor in factors:
        if not factor.is_plain:
            out &= (factor.features != 0).any(axis=1)[local(codes, factor.qubits)]
    return out


def _expand(codes: Codes, factors: Sequence[Factor]) -> tuple[Codes, Codes, Real]:
    """Write strings in products of features: term, digits `(n, n_factors)` and weight of each."""
    term, weight = np.arange(len(codes)), np.ones(len(codes))
    digits = np.zeros((len(codes), 0), np.int64)
    for factor in factors:
        strings = local(codes, factor.qubits)[term]
        if factor.is_plain:
            digits = np.column_stack([digits, strings])
            continue
        counts = (factor.features != 0).sum(1)[strings]
        nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        order = np.argsort(factor.features == 0, axis=1, kind="stable")  # nonzero ones first
        strings, term = np.repeat(strings, counts), np.repeat(term, counts)
        feature = order[strings, nth]
        weight = np.repeat(weight, counts) * factor.features[strings, feature]
        digits = np.column_stack([np.repeat(digits, counts, axis=0), feature])
    return term, digits, weight
