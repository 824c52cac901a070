"""The choice between the Heisenberg table, dense or a tensor train, and the state vector.

It is made by what they cost: a time, in multiplications of a matrix product that take as long.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Literal

import numpy as np

from qrec.backends.exact.heisenberg.pull import MOST_TERMS, TooManyTermsError
from qrec.backends.exact.heisenberg.table import HeisenbergTable
from qrec.backends.exact.read.cone import light_cone
from qrec.backends.exact.read.observable import MOST_DIGITS
from qrec.backends.exact.read.question import ObservedProgram
from qrec.backends.exact.state.statevector import StateVector
from qrec.backends.exact.tensor_train.table import TensorTrain
from qrec.backends.exact.tensor_train.train import WIDEST_BOND, BondError, Truncation
from qrec.errors import ConfigError

Evaluator = HeisenbergTable | StateVector | TensorTrain
# A truncation asks for the tensor train, kept that small; its name alone for an exact one.
Method = Literal["table", "statevector", "tensor_train"] | Truncation
_FEWEST_TERMS = 4096  # planning these takes milliseconds
# Noise leaves few strings out: as a dense tensor they need no planning, but have no gradient.
_MOST_NOISY_TERMS = 2**18
# Planning one term takes as long as this many amplitudes of a state through all its kernels.
_AMPLITUDES_PER_TERM = 2**13
# Below these, a table or states are small; planning a train takes as long as so many amplitudes.
_FEWEST_NOISY_QUBITS, _FEWEST_QUBITS, _AMPLITUDES_PER_TRAIN = 9, 13, 2**22
_WIDEST_BESIDE_STATES = 64  # bond: to find out that a train is wider takes a second


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
    wide = observed.program.n_qubits > MOST_DIGITS
    if method == "statevector":
        if observed.is_noisy:
            raise ConfigError(
                "method 'statevector' knows no noise; expected 'table', or an aer backend"
            )
        _check_narrow(observed, method)
        return StateVector(observed, row_columns)
    if method == "tensor_train" or isinstance(method, Truncation) or (wide and method is None):
        truncation = method if isinstance(method, Truncation) else None
        return _only_train(observed, row_columns, truncation, left_columns)
    if observed.is_noisy:
        return _of_noise(observed, row_columns, n_rows, method, left_columns)
    if method == "table" or left_columns is not None:
        _check_narrow(observed, "table")
        try:
            return HeisenbergTable(observed, row_columns, left_columns)
        except TooManyTermsError as error:
            raise ConfigError(
                f"the observable becomes more than {error.limit:,} Pauli strings when pulled "
                f"back through {observed.program.n_qubits} qubits; take method 'statevector'"
            ) from None
    return _ideal(observed, row_columns, n_rows)


def _ideal(
    observed: ObservedProgram, row_columns: tuple[bool, ...], n_rows: int | None
) -> Evaluator:
    many = np.inf if n_rows is None else n_rows
    n_qubits = _cone_qubits(observed)
    if n_qubits >= _FEWEST_QUBITS and many * 2**n_qubits >= _AMPLITUDES_PER_TRAIN:
        with suppress(TooManyTermsError):  # so few strings are less than any state
            return HeisenbergTable(observed, row_columns, limit=_FEWEST_TERMS)
        with suppress(BondError, ConfigError):
            limit = min(_WIDEST_BESIDE_STATES, _bond_below(16.0 * 2**n_qubits, n_qubits))
            return _cheaper(_train(limit, observed, row_columns, n_rows), observed, row_columns)
    state = StateVector(observed, row_columns)
    limit = np.clip(
        many * 2**state.evolution.n_qubits / _AMPLITUDES_PER_TERM, _FEWEST_TERMS, MOST_TERMS
    )
    try:
        table = HeisenbergTable(observed, row_columns, limit=int(limit))
    except TooManyTermsError:
        return state
    cost = table.cost_per_row() + table.pull.work() / many
    return table if cost <= state.cost_per_row() else state


def _of_noise(
    observed: ObservedProgram,
    row_columns: tuple[bool, ...],
    n_rows: int | None,
    method: Method | None,
    left_columns: frozenset[int] | None,
) -> Evaluator:
    limit = _MOST_NOISY_TERMS if n_rows is None else _FEWEST_TERMS
    n_qubits = _cone_qubits(observed)
    if method == "table" or left_columns is not None or n_qubits < _FEWEST_NOISY_QUBITS:
        _check_narrow(observed, "table")
        return HeisenbergTable(observed, row_columns, left_columns, limit, dense=True)
    with suppress(TooManyTermsError):
        return HeisenbergTable(observed, row_columns, limit=_FEWEST_TERMS)
    try:
        # Of a dense table, one product of 1, cosine and sine for each qubit.
        return _train(_bond_below(3.0**n_qubits, n_qubits), observed, row_columns, n_rows)
    except (BondError, ConfigError) as error:
        try:
            return HeisenbergTable(observed, row_columns, left_columns, limit, dense=True)
        except ConfigError:
            raise _refusal(error, n_qubits) if isinstance(error, BondError) else error from None


def _bond_below(cost: float, n_qubits: int) -> int:
    """Return the widest bond of a train that costs less per row."""
    return int(min(WIDEST_BOND, max(1.0, np.sqrt(cost / (3 * n_qubits)))))


def _train(
    limit: int, observed: ObservedProgram, row_columns: tuple[bool, ...], n_rows: int | None
) -> TensorTrain:
    """Return an exact train of bonds up to `limit`; raise BondError where they are wider."""
    train = TensorTrain(observed, row_columns, Truncation(limit=limit))
    if n_rows is None:
        train.open  # noqa: B018  what cannot have gradients is not chosen
    return train


def _cheaper(
    train: TensorTrain, observed: ObservedProgram, row_columns: tuple[bool, ...]
) -> Evaluator:
    """Return the train, or the table where that costs less."""
    cost = train.cost_per_row()
    try:
        table = HeisenbergTable(observed, row_columns, limit=int(np.clip(cost, 1, MOST_TERMS)))
    except TooManyTermsError:
        return train
    return table if table.cost_per_row() < cost else train


def _only_train(
    observed: ObservedProgram,
    row_columns: tuple[bool, ...],
    truncation: Truncation | None,
    left_columns: frozenset[int] | None,
) -> TensorTrain:
    if left_columns is not None:
        raise ConfigError("all pairs need method 'table'; a tensor train takes rows of both sides")
    try:
        return TensorTrain(observed, row_columns, truncation)
    except BondError as error:
        raise _refusal(error, _cone_qubits(observed)) from None


def _refusal(error: BondError, n_qubits: int) -> ConfigError:
    return ConfigError(
        f"the observable's tensor train over {n_qubits} qubits reaches bond {error.bond}, at most "
        f"{error.limit}: it does not compress; expected fewer layers, gates between neighbours, "
        "or max_bond, which makes the values approximate"
    )


def _cone_qubits(observed: ObservedProgram) -> int:
    return len(light_cone(observed.program, observed.codes)[1])


def _check_narrow(observed: ObservedProgram, method: str) -> None:
    if observed.program.n_qubits > MOST_DIGITS:
        raise ConfigError(
            f"method {method!r} takes at most {MOST_DIGITS} qubits, what is read hangs on "
            f"{observed.program.n_qubits}; expected method 'tensor_train'"
        )
