"""From what a backend returned to expectation values with standard errors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparseObservable

from qrec.backends.workload import Reading, Workload
from qrec.errors import ConfigError
from qrec.types import Array

# One measured bit in each of these: eigenvalue at outcome 0 and at outcome 1.
_EIGENVALUES = {
    SparseObservable.BitTerm.Z: (1.0, -1.0),
    SparseObservable.BitTerm.ZERO: (1.0, 0.0),
    SparseObservable.BitTerm.ONE: (0.0, 1.0),
}


def support(*observables: SparseObservable) -> list[int]:
    """Return the qubits that diagonal observables read, ascending: the ones that are measured.

    Raises ConfigError for a term that one measurement in the Z basis cannot read.
    """
    for term in (term for observable in observables for term in observable):
        for bit_term, label in zip(term.bit_terms, term.bit_labels(), strict=True):
            if bit_term not in _EIGENVALUES:
                raise ConfigError(f"observable term {label!r} is not diagonal; expected Z, 0 or 1")
    return sorted({int(q) for observable in observables for q in observable.indices})


def is_diagonal(observable: SparseObservable) -> bool:
    """Return whether every term is made of Z, 0 and 1 alone."""
    return all(bit_term in _EIGENVALUES for term in observable for bit_term in term.bit_terms)


def outcome_values(observables: Sequence[SparseObservable]) -> Array:
    """Return the value of each observable at each outcome, (n_outcomes, n_observables).

    Bit j of an outcome is qubit ``support(*observables)[j]``.
    """
    measured = support(*observables)
    bits = (np.arange(2 ** len(measured))[:, None] >> np.arange(len(measured)) & 1).astype(np.uint8)
    return np.column_stack([diagonal_values(one, bits, measured) for one in observables])


def spectrum(observables: Sequence[SparseObservable]) -> Array:
    """Return what the observables can be seen to be together, (n_values, n_observables).

    Each once, in ascending order of the first, then the second and so on.
    """
    return np.unique(outcome_values(observables), axis=0)


def read(workload: Workload, raw: dict[str, NDArray[Any]]) -> Reading:
    """Turn one workload's raw result into a reading; needs nothing but what was stored.

    `raw` holds ``value`` and ``stderr`` in the reading's shape from an estimator; or ``bits``
    (n_evaluations, shots, n_bytes), big-endian packed, bit j being qubit number j of the
    `support` of all observables; or ``counts`` (n_evaluations, n_values): how often each row
    of their `spectrum` was seen.
    A vendor's ``route`` (n_evaluations,), by which its bits came, is for people to read.
    """
    if "value" in raw:
        return Reading(raw["value"], raw["stderr"], None)
    take = _from_counts if "counts" in raw else _from_bits
    readings = take(workload.observable_list, raw)
    if not workload.is_joint:
        return readings[0]
    value, stderr = (
        np.column_stack([getattr(reading, name) for reading in readings])
        for name in ("value", "stderr")
    )
    return Reading(value, stderr, readings[0].shots)


def _from_counts(
    observables: Sequence[SparseObservable], raw: dict[str, NDArray[Any]]
) -> list[Reading]:
    counts = raw["counts"]
    shots = int(counts[0].sum())
    return [
        _reading(counts @ values, counts @ values**2, shots, values)
        for values in spectrum(observables).T
    ]


def _from_bits(
    observables: Sequence[SparseObservable], raw: dict[str, NDArray[Any]]
) -> list[Reading]:
    measured = support(*observables)
    bits = np.unpackbits(raw["bits"], axis=-1, bitorder="big")[..., ::-1][..., : len(measured)]
    readings = []
    for observable in observables:
        samples = diagonal_values(observable, bits, measured)
        values = spectrum([observable])[:, 0]
        total, squares = samples.sum(-1), (samples**2).sum(-1)
        readings.append(_reading(total, squares, samples.shape[-1], values))
    return readings


def diagonal_values(
    observable: SparseObservable, bits: NDArray[np.uint8], measured: list[int]
) -> Array:
    """Return the observable's value at each outcome: bits `(..., n_measured)` -> `(...)`."""
    place = {qubit: column for column, qubit in enumerate(measured)}
    total = np.zeros(bits.shape[:-1])
    for term in observable:
        value = np.full(bits.shape[:-1], float(term.coeff.real))
        for bit_term, qubit in zip(term.bit_terms, term.indices, strict=True):
            value *= np.asarray(_EIGENVALUES[bit_term])[bits[..., place[int(qubit)]]]
        total += value
    return total


def _reading(
    total: Array,
    squares: Array,
    shots: int,
    values: Array,
) -> Reading:
    """Return the mean of `shots` samples, given their sum and that of their squares, (n,).

    For the standard error half a pseudo-count stands at each end of the spectrum, the range of
    `values` (Jeffreys' prior for a two-valued observable), so that shots which all agree do not
    claim to be certain.
    """
    low, high = values.min(), values.max()
    mean = (total + 0.5 * (low + high)) / (shots + 1)
    about_mean = squares - 2 * mean * total + shots * mean**2
    about_mean += 0.5 * ((low - mean) ** 2 + (high - mean) ** 2)
    # Rounding must not make it negative where all that could be seen is one value.
    stderr = np.sqrt(about_mean.clip(0.0) / (shots + 1) / shots)
    return Reading(total / shots, stderr, shots)
