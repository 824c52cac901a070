"""From what a backend returned to expectation values with standard errors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparseObservable

from qrec.backends.workload import Reading, Workload
from qrec.errors import ConfigError

# One measured bit in each of these: eigenvalue at outcome 0 and at outcome 1.
_EIGENVALUES = {
    SparseObservable.BitTerm.Z: (1.0, -1.0),
    SparseObservable.BitTerm.ZERO: (1.0, 0.0),
    SparseObservable.BitTerm.ONE: (0.0, 1.0),
}


def support(observable: SparseObservable) -> list[int]:
    """Return the qubits a diagonal observable reads, ascending: the ones that are measured.

    Raises ConfigError for a term that one measurement in the Z basis cannot read.
    """
    for term in observable:
        for bit_term, label in zip(term.bit_terms, term.bit_labels(), strict=True):
            if bit_term not in _EIGENVALUES:
                raise ConfigError(f"observable term {label!r} is not diagonal; expected Z, 0 or 1")
    return sorted({int(q) for q in observable.indices})


def is_diagonal(observable: SparseObservable) -> bool:
    """Return whether every term is made of Z, 0 and 1 alone."""
    return all(bit_term in _EIGENVALUES for term in observable for bit_term in term.bit_terms)


def read(workload: Workload, raw: dict[str, NDArray[Any]]) -> Reading:
    """Turn one workload's raw result into a reading; needs nothing but what was stored.

    `raw` holds either ``value`` and ``stderr`` (n_evaluations,) from an estimator, or ``bits``
    (n_evaluations, shots, n_bytes), big-endian packed, bit j being qubit ``support[j]``.
    """
    if "value" in raw:
        return Reading(raw["value"], raw["stderr"], None)
    measured = support(workload.observable)
    bits = np.unpackbits(raw["bits"], axis=-1, bitorder="big")[..., ::-1][..., : len(measured)]
    samples = diagonal_values(workload.observable, bits, measured)
    shots = samples.shape[-1]
    return Reading(samples.mean(axis=-1), _stderr(workload.observable, samples), shots)


def diagonal_values(
    observable: SparseObservable, bits: NDArray[np.uint8], measured: list[int]
) -> NDArray[np.float64]:
    """Return the observable's value at each outcome: bits `(..., n_measured)` -> `(...)`."""
    place = {qubit: column for column, qubit in enumerate(measured)}
    total = np.zeros(bits.shape[:-1])
    for term in observable:
        value = np.full(bits.shape[:-1], float(term.coeff.real))
        for bit_term, qubit in zip(term.bit_terms, term.indices, strict=True):
            value *= np.asarray(_EIGENVALUES[bit_term])[bits[..., place[int(qubit)]]]
        total += value
    return total


def _stderr(observable: SparseObservable, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard error of the mean of `(n_evaluations, shots)` samples.

    Half a pseudo-count stands at each end of the spectrum (Jeffreys' prior for a two-valued
    observable), so that shots which all agree do not claim to be certain.
    """
    n_qubits = len(support(observable))
    outcomes = np.indices((2,) * n_qubits).reshape(n_qubits, -1).T.astype(np.uint8)
    spectrum = diagonal_values(observable, outcomes, support(observable))
    low, high = spectrum.min(), spectrum.max()
    shots = samples.shape[-1]
    mean = (samples.sum(axis=-1) + 0.5 * (low + high)) / (shots + 1)
    squares = ((samples - mean[:, None]) ** 2).sum(axis=-1)
    squares += 0.5 * ((low - mean) ** 2 + (high - mean) ** 2)
    return np.asarray(np.sqrt(squares / (shots + 1) / shots))
