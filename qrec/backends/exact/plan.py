"""The choice between the Heisenberg table and the state vector."""

from collections.abc import Sequence
from typing import Literal

from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.observable import pauli_codes
from qrec.backends.exact.program import Program
from qrec.backends.exact.pull import TooManyTermsError
from qrec.backends.exact.statevector import StateVector
from qrec.backends.exact.table import Table

Plan = Table | StateVector
Method = Literal["table", "statevector"]


def plan(
    program: Program,
    observable: SparseObservable,
    row_columns: Sequence[bool],
    method: Method | None = None,
) -> Plan:
    """Return a function of shared parameters `(n_shared,)` and rows `(n_row, n_rows)`."""
    codes, coefficients = pauli_codes(observable)
    if method == "statevector":
        return StateVector(program, codes, coefficients, row_columns)
    try:
        return Table(program, codes, coefficients, row_columns)
    except TooManyTermsError:
        return StateVector(program, codes, coefficients, row_columns)
