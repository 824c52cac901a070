"""Diagonal observables as users write them."""

import re

from qiskit.quantum_info import SparseObservable

from qrec.backends.readings import is_diagonal
from qrec.errors import ConfigError

_TERM = re.compile(
    r"\s*(?P<sign>[+-]?)\s*(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)?\s*\*?"
    r"\s*(?P<factors>Z\d+(?:[\s*]*Z\d+)*)\s*"
)


def read_observable(given: str | SparseObservable, n_qubits: int) -> SparseObservable:
    """Return the observable that ``Z0``, ``Z0 Z1``, ``Z0 + 0.5 Z2`` or a Pauli label names.

    The number behind a Z is its qubit; a label such as ``IIZ`` has qubit 0 at its right end, as
    Qiskit's have. Raises ConfigError for anything else, for a qubit that the circuit lacks, and
    for an observable that is not diagonal.
    """
    if isinstance(given, str):
        if re.fullmatch("[IXYZ]+", given):
            found = SparseObservable.from_label(given)
        else:
            found = SparseObservable.from_sparse_list(_terms(given, n_qubits), n_qubits)
    else:
        found = given
    if found.num_qubits != n_qubits:
        raise _wrong(given, n_qubits, f"it is on {found.num_qubits} qubits")
    if not is_diagonal(found):
        raise _wrong(given, n_qubits, "it is not diagonal: one measurement cannot read X and Y")
    return found


def _terms(text: str, n_qubits: int) -> list[tuple[str, list[int], float]]:
    terms: list[tuple[str, list[int], float]] = []
    place = 0
    while place < len(text) or not terms:
        match = _TERM.match(text, place)
        if match is None or (terms and not match["sign"]):
            raise _wrong(text, n_qubits, f"{text[place:]!r} is no term")
        qubits = [int(number) for number in re.findall(r"\d+", match["factors"])]
        if max(qubits) >= n_qubits or len(set(qubits)) < len(qubits):
            raise _wrong(text, n_qubits, f"a term is on the qubits {qubits}")
        factor = float(match["number"] or 1) * (-1 if match["sign"] == "-" else 1)
        terms.append(("Z" * len(qubits), qubits, factor))
        place = match.end()
    return terms


def _wrong(given: str | SparseObservable, n_qubits: int, why: str) -> ConfigError:
    return ConfigError(
        f"observable is {given!r}, but {why}; expected one like Z0, Z0 Z1 or Z0 + 0.5 Z2 on the "
        f"qubits 0 to {n_qubits - 1}, a Pauli label of {n_qubits} letters I and Z, or a diagonal "
        "SparseObservable"
    )
