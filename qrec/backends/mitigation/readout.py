"""Readout errors inverted: observables that, misread, have the value of those that were meant.

Bravyi, Sheldon, Kandala, Mckay, Gambetta, PRA 103, 042605 (2021), Sec. II: the assignment matrix
as a product over qubits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.backends.base import Backend
from qrec.backends.mitigation.base import Ask, Mitigation
from qrec.backends.mitigation.executed import as_executed
from qrec.backends.readings import support
from qrec.backends.workload import Reading, Workload
from qrec.errors import ConfigError
from qrec.types import Array

_MOST_QUBITS = 12  # of a term, which becomes 2^n of them
_LEAST_CONTRAST = 1e-3
# Each of these is a + b Z.
_AS_Z = {
    SparseObservable.BitTerm.Z: (0.0, 1.0),
    SparseObservable.BitTerm.ZERO: (0.5, 0.5),
    SparseObservable.BitTerm.ONE: (0.5, -0.5),
}


@dataclass(frozen=True)
class ReadoutInversion(Mitigation):
    """Readings with the errors of each qubit's measurement taken out.

    Two circuits are asked first for each set of measured qubits: all in |0>, all in |1> by one X
    each, whose own error counts as one of readout. A qubit's Z is read as s + k Z; (Z - s)/k in
    its place gives what is meant, in products too, as errors are taken to be independent. The
    workload's own circuit and shots are asked once, for that observable; `stderr` holds what
    the division adds to shot noise, and the shots of the calibration.
    """

    def readings(self, backend: Backend, workloads: Sequence[Workload], ask: Ask) -> list[Reading]:
        executed = [as_executed(backend, workload) for workload in workloads]
        measured = [tuple(support(*w.observable_list)) for w in executed]
        widths = dict(zip(measured, (w.circuit.num_qubits for w in executed), strict=True))
        asked = [w for qubits, width in widths.items() for w in _calibrations(qubits, width)]
        found = ask(backend, asked)
        known = {
            qubits: _Readout.read(qubits, found[2 * place], found[2 * place + 1], backend.name)
            for place, qubits in enumerate(widths)
        }
        readouts = [known[qubits] for qubits in measured]
        corrected = [
            replace(
                workload,
                observables=[
                    *(readout.corrected(one) for one in workload.observable_list),
                    *(slope for one in workload.observable_list for slope in readout.slopes(one)),
                ],
                key=f"{workload.key}/inverted",
            )
            for workload, readout in zip(executed, readouts, strict=True)
        ]
        answers = ask(backend, corrected)
        return [_reading(*each) for each in zip(workloads, readouts, answers, strict=True)]


@dataclass(frozen=True, eq=False)
class _Readout:
    """Of each measured qubit what Z reads in |0> and in |1>, with standard errors, (n, 2)."""

    qubits: tuple[int, ...]
    value: Array
    stderr: Array

    @classmethod
    def read(cls, qubits: tuple[int, ...], zeros: Reading, ones: Reading, name: str) -> "_Readout":
        both = [np.stack([getattr(r, k)[0] for r in (zeros, ones)], 1) for k in ("value", "stderr")]
        for qubit, (zero, one) in zip(qubits, both[0], strict=True):
            if abs(zero - one) < 2 * _LEAST_CONTRAST:
                raise ConfigError(
                    f"backend {name!r}: qubit {qubit} reads {zero:.3g} in |0> and {one:.3g} in "
                    "|1>: its readout says nothing that could be inverted"
                )
        return cls(qubits, *both)

    def corrected(self, observable: SparseObservable) -> SparseObservable:
        """Return what reads as `observable` should."""
        return self._replaced(observable, {q: self._line(q) for q in self.qubits})

    def slopes(self, observable: SparseObservable) -> Iterator[SparseObservable]:
        """Yield the derivatives of that by `value`, entry for entry, where it has errors."""
        if not self.stderr.any():
            return
        for qubit in self.qubits:
            (zero, one), lines = self._values(qubit), {q: self._line(q) for q in self.qubits}
            # (2 Z - zero - one)/(zero - one), by zero and by one.
            for own in ((2 * one, -2), (-2 * zero, 2)):
                slope = own[0] / (zero - one) ** 2, own[1] / (zero - one) ** 2
                yield self._replaced(observable, lines, (qubit, slope))

    def _values(self, qubit: int) -> tuple[float, float]:
        zero, one = self.value[self.qubits.index(qubit)]
        return float(zero), float(one)

    def _line(self, qubit: int) -> tuple[float, float]:
        zero, one = self._values(qubit)
        return -(zero + one) / (zero - one), 2 / (zero - one)

    def _replaced(
        self,
        observable: SparseObservable,
        lines: dict[int, tuple[float, float]],
        by: tuple[int, tuple[float, float]] | None = None,
    ) -> SparseObservable:
        """Return the observable with a line in Z for each Z; derived by a qubit's own if given."""
        total: dict[tuple[int, ...], float] = {(): 0.0}
        for term in observable:
            indices = [int(qubit) for qubit in term.indices]
            if len(indices) > _MOST_QUBITS:
                raise ConfigError(
                    f"observable term on {len(indices)} qubits: expected at most {_MOST_QUBITS} "
                    "to invert readout errors"
                )
            if by is not None and by[0] not in indices:
                continue
            factors = []
            for bit_term, qubit in zip(term.bit_terms, indices, strict=True):
                constant, slope = _AS_Z[bit_term]
                derived = by is not None and by[0] == qubit
                shift, scale = by[1] if by is not None and derived else lines[qubit]
                constant = (0.0 if derived else constant) + slope * shift
                factors.append((constant, slope * scale))
            for chosen in product((0, 1), repeat=len(indices)):
                where = tuple(q for q, c in zip(indices, chosen, strict=True) if c)
                size = float(term.coeff.real)
                for factor, c in zip(factors, chosen, strict=True):
                    size *= factor[c]
                total[where] = total.get(where, 0.0) + size
        terms = [("Z" * len(where), list(where), size) for where, size in total.items()]
        return SparseObservable.from_sparse_list(terms, observable.num_qubits)


def _calibrations(qubits: tuple[int, ...], width: int) -> Iterator[Workload]:
    """Yield the circuits that leave all qubits in |0>, and in |1>, Z of each qubit read."""
    each = [SparseObservable.from_sparse_list([("Z", [q], 1.0)], width) for q in qubits]
    named = "-".join(map(str, qubits))
    for bit in (0, 1):
        circuit = QuantumCircuit(width)
        if bit:
            circuit.x(list(qubits))
        yield Workload(circuit, each, np.empty((1, 0)), f"readout/{named}/{bit}", isa=True)


def _reading(workload: Workload, readout: _Readout, found: Reading) -> Reading:
    """Return the corrected values, errors of the calibration added to those of shots."""
    n = len(workload.observable_list)
    value, variance = found.value[:, :n], found.stderr[:, :n] ** 2
    slopes = found.value[:, n:].reshape(len(value), n, -1)
    if slopes.size:
        variance = variance + slopes**2 @ readout.stderr.ravel() ** 2
    if not workload.is_joint:
        value, variance = value[:, 0], variance[:, 0]
    return Reading(value, np.sqrt(variance), found.shots)
