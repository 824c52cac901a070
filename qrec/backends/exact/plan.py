"""The choice between the Heisenberg table and the state vector, by what they cost.

A cost is a time, in multiplications of a matrix product that take as long.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np

from qrec.backends.exact.problem import Problem
from qrec.backends.exact.pull import MOST_TERMS, TooManyTermsError
from qrec.backends.exact.statevector import StateVector
from qrec.backends.exact.table import Table
from qrec.errors import ConfigError

Plan = Table | StateVector
Method = Literal["table", "statevector"]
_FEWEST_TERMS = 4096  # planning these takes milliseconds
# Noise leaves few strings out: as a dense tensor they need no planning, but have no gradient.
_MOST_NOISY_TERMS = 2**18
# Planning one term takes as long as this many amplitudes of a state through all its steps.
_AMPLITUDES_PER_TERM = 2**13


def plan(
    problem: Problem,
    row_columns: Sequence[bool],
    n_rows: int | None = None,
    method: Method | None = None,
    left_columns: frozenset[int] | None = None,
) -> Plan:
    """Plan a function of shared parameters `(n_shared,)` and rows `(n_row, n_rows)`.

    `row_columns` says of each circuit parameter whether it differs by row. `n_rows` is how
    many rows there will be, None for many; `method` leaves no choice. Noise needs the table.
    The last few plans are remembered. Raises ConfigError where the method asked for, or the
    only one, cannot be used.
    """
    # Numbers of rows of one magnitude have one plan.
    magnitude = None if n_rows is None else 1 << n_rows.bit_length()
    return _plan(problem, tuple(row_columns), magnitude, method, left_columns)


@lru_cache(maxsize=8)
def _plan(
    problem: Problem,
    row_columns: tuple[bool, ...],
    n_rows: int | None,
    method: Method | None,
    left_columns: frozenset[int] | None,
) -> Plan:
    if method == "statevector":
        if problem.is_noisy:
            raise ConfigError(
                "method 'statevector' knows no noise; expected 'table', or an aer backend"
            )
        return _state(problem, row_columns)
    if problem.is_noisy:
        limit = _MOST_NOISY_TERMS if n_rows is None else _FEWEST_TERMS
        return _table(problem, row_columns, limit, left_columns, dense=True)
    if method == "table" or left_columns is not None:
        try:
            return _table(problem, row_columns, MOST_TERMS, left_columns)
        except TooManyTermsError as error:
            raise ConfigError(
                f"the observable becomes more than {error.limit:,} Pauli strings when pulled "
                f"back through {problem.program.n_qubits} qubits; take method 'statevector'"
            ) from None
    state = _state(problem, row_columns)
    many = np.inf if n_rows is None else n_rows
    limit = np.clip(
        many * 2**state.evolution.n_qubits / _AMPLITUDES_PER_TERM, _FEWEST_TERMS, MOST_TERMS
    )
    try:
        table = _table(problem, row_columns, int(limit))
    except TooManyTermsError:
        return state
    cost = table.cost_per_row() + table.pull.work() / many
    return table if cost <= state.cost_per_row() else state


def _state(problem: Problem, row_columns: Sequence[bool]) -> StateVector:
    return StateVector(problem.program, problem.codes, problem.coefficients, row_columns)


def _table(
    problem: Problem,
    row_columns: Sequence[bool],
    limit: int,
    left_columns: frozenset[int] | None = None,
    dense: bool = False,
) -> Table:
    return Table(
        problem.program, problem.codes, problem.coefficients, row_columns, left_columns, limit,
        dense,
    )  # fmt: skip
