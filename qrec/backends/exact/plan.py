"""The choice between the Heisenberg table and the state vector."""

from collections.abc import Callable, Sequence

from qiskit.quantum_info import SparseObservable
from torch import Tensor

from qrec.backends.exact.observable import pauli_codes, read_observable
from qrec.backends.exact.program import Program
from qrec.backends.exact.pull import TooManyTermsError
from qrec.backends.exact.statevector import expectation
from qrec.backends.exact.table import Table

Plan = Callable[[Tensor, Tensor], Tensor]


def plan(program: Program, observable: SparseObservable, row_columns: Sequence[bool]) -> Plan:
    """Return a function of shared parameters `(n_shared,)` and rows `(n_row, n_rows)`."""
    try:
        return Table(program, *pauli_codes(observable), row_columns)
    except TooManyTermsError:
        return _by_state(program, observable, row_columns)


def _by_state(program: Program, observable: SparseObservable, row_columns: Sequence[bool]) -> Plan:
    dense = read_observable(observable)

    def evaluate(shared: Tensor, rows: Tensor) -> Tensor:
        rest, differing = iter(shared), iter(rows)
        values = [next(differing) if by_row else next(rest) for by_row in row_columns]
        return expectation(program, dense, values)

    return evaluate
