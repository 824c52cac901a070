"""The choice between the Heisenberg table and the state vector, by what they cost.

A cost is a time, in multiplications of a matrix product that take as long.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np

from qrec.backends.exact.heisenberg.pull import MOST_TERMS, TooManyTermsError
from qrec.backends.exact.heisenberg.table import HeisenbergTable
from qrec.backends.exact.read.question import ObservedProgram
from qrec.backends.exact.state.statevector import StateVector
from qrec.errors import ConfigError

Evaluator = HeisenbergTable | StateVector
Method = Literal["table", "statevector"]
_FEWEST_TERMS = 4096  # planning these takes milliseconds
# Noise leaves few strings out: as a dense tensor they need no planning, but have no gradient.
_MOST_NOISY_TERMS = 2**18
# Planning one term takes as long as this many amplitudes of a state through all its kernels.
_AMPLITUDES_PER_TERM = 2**13


def evaluator(
    observed: ObservedProgram,
    row_columns: Sequence[bool],
    n_rows: int | None = None,
    method: Method | None = None,
    left_columns: frozenset[int] | None = None,
) -> Evaluator:
    """Plan a function of shared parameters `(n_shared,)` and rows `(n_row, n_rows)`.

    `row_columns` says of each circuit parameter whether it differs by row. `n_rows` is how
    many rows there will be, None for many; `method` leaves no choice. Noise needs the table.
    The last few are remembered. Raises ConfigError where the method asked for, or the
    only one, cannot be used.
    """
    # Numbers of rows of one magnitude have one evaluator.
    magnitude = None if n_rows is None else 1 << n_rows.bit_length()
    return _evaluator(observed, tuple(row_columns), magnitude, method, left_columns)


def forget_evaluators() -> None:
    """Forget the evaluators that `evaluator` remembers."""
    _evaluator.cache_clear()


@lru_cache(maxsize=8)
def _evaluator(
    observed: ObservedProgram,
    row_columns: tuple[bool, ...],
    n_rows: int | None,
    method: Method | None,
    left_columns: frozenset[int] | None,
) -> Evaluator:
    if method == "statevector":
        if observed.is_noisy:
            raise ConfigError(
                "method 'statevector' knows no noise; expected 'table', or an aer backend"
            )
        return StateVector(observed, row_columns)
    if observed.is_noisy:
        limit = _MOST_NOISY_TERMS if n_rows is None else _FEWEST_TERMS
        return HeisenbergTable(observed, row_columns, left_columns, limit, dense=True)
    if method == "table" or left_columns is not None:
        try:
            return HeisenbergTable(observed, row_columns, left_columns)
        except TooManyTermsError as error:
            raise ConfigError(
                f"the observable becomes more than {error.limit:,} Pauli strings when pulled "
                f"back through {observed.program.n_qubits} qubits; take method 'statevector'"
            ) from None
    state = StateVector(observed, row_columns)
    many = np.inf if n_rows is None else n_rows
    limit = np.clip(
        many * 2**state.evolution.n_qubits / _AMPLITUDES_PER_TERM, _FEWEST_TERMS, MOST_TERMS
    )
    try:
        table = HeisenbergTable(observed, row_columns, limit=int(limit))
    except TooManyTermsError:
        return state
    cost = table.cost_per_row() + table.pull.work() / many
    return table if cost <= state.cost_per_row() else state
