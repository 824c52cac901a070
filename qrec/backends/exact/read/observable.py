"""Observables as Pauli strings."""

from collections.abc import Mapping

import numpy as np
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.read.pauli import Codes, Real

_DIGIT = {"X": 1, "Y": 2, "Z": 3}
MOST_DIGITS = 31  # qubits whose Pauli strings are numbers of 62 bits


def letters_of(observable: SparseObservable) -> dict[int, frozenset[int]]:
    """Return the letters X, Y, Z = 1, 2, 3 that an observable has on each qubit it acts on."""
    letters: dict[int, frozenset[int]] = {}
    for term in observable.as_paulis():
        for label, qubit in zip(term.bit_labels(), term.indices, strict=True):
            letters[int(qubit)] = letters.get(int(qubit), frozenset()) | {_DIGIT[label]}
    return letters


def pauli_codes(observable: SparseObservable, place: Mapping[int, int]) -> tuple[Codes, Real]:
    """Return an observable's Pauli strings as codes (see `pauli`), and their coefficients.

    `place` numbers the qubits that the observable acts on.
    """
    paulis = observable.as_paulis()
    # Qiskit's own tolerance is no relative one: it drops what is small beside 1.
    terms = paulis.simplify(1e-14 * np.abs(paulis.coeffs).max(initial=0.0))
    codes = [
        sum(_DIGIT[p] << 2 * place[int(q)] for p, q in zip(t.bit_labels(), t.indices, strict=True))
        for t in terms
    ]
    # A code of more than 62 bits is a Python number, in an array of objects.
    kind = np.int64 if len(place) <= MOST_DIGITS else object
    return np.array(codes, kind), np.array([t.coeff.real for t in terms], float)
