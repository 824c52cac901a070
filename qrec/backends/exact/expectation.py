"""Expectation values of a Qiskit circuit as a torch function with gradients."""

from collections.abc import Mapping
from itertools import groupby

import torch
from qiskit.circuit import Parameter, ParameterVectorElement
from torch import Tensor

from qrec.backends.exact.heisenberg.table import HeisenbergTable
from qrec.backends.exact.method import Evaluator, Method, evaluator
from qrec.backends.exact.read.question import Question
from qrec.errors import ConfigError


class Expectation:
    """<psi(parameters)| O |psi(parameters)> for many rows of parameters at once.

    O is the one observable of the question, whose `dtype` does not count here.

    Calling it with one tensor per `ParameterVector` (or lone `Parameter`) of the circuit, by
    name, returns the values `(n_rows,)`, differentiable in all of them. A vector's tensor is
    `(length,)` where all rows share it and `(n_rows, length)` where they differ; a lone
    parameter's is `()` or `(n_rows,)`. All have one dtype, float32 or float64, and one device.
    Gradients are of first order.

    What does not depend on the numbers is worked out at the first call and kept, once for each
    choice of which parameters differ by row. Raises ConfigError as reading the question does.
    """

    def __init__(self, question: Question, method: Method | None = None) -> None:
        [self._observed] = question.observed()
        self._method = method
        named = [(_name(p), p) for p in question.columns]  # vectors stand together
        self._vectors = {
            name: [p.index if isinstance(p, ParameterVectorElement) else 0 for _, p in group]
            for name, group in groupby(named, key=lambda pair: pair[0])
        }
        self._lone = {name for name, p in named if not isinstance(p, ParameterVectorElement)}
        self.evaluators: dict[tuple[tuple[bool, ...], frozenset[int] | None], Evaluator] = {}

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        """Return the expectation values `(n_rows,)`, with gradients."""
        shared, rows, row_columns = self._arrange(values)
        return self._evaluator(row_columns, None)(shared, rows)

    def all_pairs(
        self, left: Mapping[str, Tensor], right: Mapping[str, Tensor], shared: Mapping[str, Tensor]
    ) -> Tensor:
        """Return the values of every row of `left` with every row of `right`, as a matrix.

        The Pauli expectation values of either side are computed once per row; the
        `(n_left, n_right)` values are one product of matrices. `left` and `right` hold the
        parameters `(n, length)` of two data encodings that no gate joins before the shared
        part of the circuit. Raises ConfigError where one does.
        """
        one = {name: value[:1] for name, value in [*left.items(), *right.items()]}
        fixed, _, row_columns = self._arrange({**shared, **one})
        names = [name for name, indices in self._vectors.items() for _ in indices]
        left_columns = frozenset(i for i, name in enumerate(names) if name in left)
        table = self._evaluator(row_columns, left_columns)
        assert isinstance(table, HeisenbergTable)
        (n_left, n_right), sides = (len(next(iter(s.values()))) for s in (left, right)), []
        for own, n_rows in ((left, n_left), (right, n_right)):
            other = {k: v.expand(n_rows, *v.shape[1:]) for k, v in one.items() if k not in own}
            sides.append(self._arrange({**shared, **own, **other})[1])
        g_left, g_right = table.sides(fixed, *sides)
        matrix = table.matrix(fixed)
        return (g_left.mT @ matrix @ g_right).expand(n_left, n_right)

    def _evaluator(self, row_columns: tuple[bool, ...], left: frozenset[int] | None) -> Evaluator:
        key = row_columns, left
        if key not in self.evaluators:
            self.evaluators[key] = evaluator(self._observed, row_columns, None, self._method, left)
        return self.evaluators[key]

    def _arrange(self, values: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, tuple[bool, ...]]:
        """Return shared parameters, rows, and which parameters differ by row."""
        if values.keys() != self._vectors.keys():
            raise ConfigError(
                f"values of the parameters {sorted(values)}, expected {sorted(self._vectors)}"
            )
        blocks = {name: self._columns(name, values[name]) for name in self._vectors}
        row_columns = tuple(b.ndim == 2 for b in blocks.values() for _ in range(len(b)))
        shared = [b for b in blocks.values() if b.ndim == 1]
        rows = [b for b in blocks.values() if b.ndim == 2]
        like = (shared + rows or [torch.zeros(0, dtype=torch.float64)])[0]
        return (
            torch.cat(shared) if shared else like.new_zeros(0),
            torch.cat(rows) if rows else like.new_zeros(0, 1),
            row_columns,
        )

    def _columns(self, name: str, value: Tensor) -> Tensor:
        """Return a vector's values as `(n,)` or `(n, n_rows)`, those in the circuit alone."""
        if value.dtype not in (torch.float32, torch.float64):
            raise ConfigError(
                f"parameter {name!r}: tensor of {value.dtype}; expected torch.float32 or float64"
            )
        columns = value[..., None] if name in self._lone else value
        indices = self._vectors[name]
        if indices != list(range(columns.shape[-1])):
            columns = columns[..., indices]
        return columns.mT if columns.ndim == 2 else columns


def _name(parameter: Parameter) -> str:
    is_element = isinstance(parameter, ParameterVectorElement)
    return str(parameter.vector.name if is_element else parameter.name)
