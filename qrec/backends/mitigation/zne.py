"""Zero-noise extrapolation: circuits made longer without a change of what they compute.

Temme, Bravyi, Gambetta, PRL 119, 180509 (2017); global unitary folding is Sec. II of Giurgica-
Tiron, Hindy, LaRose, Mari, Zeng, "Digital zero noise extrapolation for quantum error mitigation",
QCE 2020, arXiv:2005.10921.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Barrier, Delay, Gate
from qiskit.circuit.library import SXGate
from qiskit.quantum_info import SparseObservable

from qrec.backends.base import Backend
from qrec.backends.mitigation.base import Ask, Mitigation
from qrec.backends.mitigation.executed import as_executed
from qrec.backends.workload import Reading, Workload
from qrec.errors import ConfigError
from qrec.types import Array


@dataclass(frozen=True)
class ZeroNoiseExtrapolation(Mitigation):
    """Readings at odd multiples of a circuit's noise, extrapolated to none.

    A factor f runs G (G^-1 G)^((f-1)/2) in place of the ISA circuit G, delays included. Readout
    is not folded, and its errors stay: put ``readout`` beneath. ``linear`` is the least-squares
    line; ``exponential`` is a + b exp(-c f) with a = tr(O)/d, where depolarising ends, by least
    squares of log|value - a|, squares weighted by |value - a| as mitiq does. An evaluation whose
    values lie on both sides of a, as those near it do with few shots, has no such fit and takes
    the line.
    """

    extrapolation: Literal["linear", "exponential"] = "linear"
    factors: tuple[int, ...] = (1, 3, 5)

    def readings(self, backend: Backend, workloads: Sequence[Workload], ask: Ask) -> list[Reading]:
        asked = [
            replace(w, circuit=fold(w.circuit, factor), key=f"{w.key}/fold{factor}")
            for w in (as_executed(backend, workload) for workload in workloads)
            for factor in self.factors
        ]
        found, n = ask(backend, asked), len(self.factors)
        return [
            self._at_zero(workload, found[place * n : (place + 1) * n])
            for place, workload in enumerate(workloads)
        ]

    def _at_zero(self, workload: Workload, found: Sequence[Reading]) -> Reading:
        values, errors = (np.stack([getattr(r, k) for r in found]) for k in ("value", "stderr"))
        end = np.array([mean_eigenvalue(one) for one in workload.observable_list])
        value, slopes = extrapolate(
            np.array(self.factors, float),
            values,
            None if self.extrapolation == "linear" else end if workload.is_joint else end[0],
        )
        shots = None if found[0].shots is None else sum(r.shots or 0 for r in found)
        return Reading(value, np.sqrt(((slopes * errors) ** 2).sum(0)), shots)


def fold(circuit: QuantumCircuit, factor: int) -> QuantumCircuit:
    """Return G (G^-1 G)^((factor-1)/2) for a circuit G of gates, delays and barriers.

    An inverse is made of G's own kinds of gates; sx^-1 is rz(pi) sx rz(pi). Raises ConfigError
    for a factor that is even or below 1, and for what has no inverse.
    """
    if factor < 1 or factor % 2 == 0:
        raise ConfigError(f"folding factor {factor}: expected an odd number from 1")
    folded, inverse = circuit.copy(), _inverse(circuit)
    for _ in range((factor - 1) // 2):
        folded.compose(inverse, inplace=True)
        folded.compose(circuit, inplace=True)
    return folded


def extrapolate(factors: Array, values: Array, end: Array | None) -> tuple[Array, Array]:
    """Return values at factor 0 and their derivatives by each of `values` `(n_factors, ...)`.

    By a line; with `end`, shaped as the last axes of values, by an exponential that ends there.
    """
    line = np.linalg.pinv(np.stack([np.ones_like(factors), factors], axis=1))[0]
    slopes = np.broadcast_to(line.reshape(-1, *[1] * (values.ndim - 1)), values.shape)
    straight = (slopes * values).sum(0)
    if end is None:
        return straight, slopes
    away = values - end
    fits = (np.abs(np.sign(away).sum(0)) == len(factors)) & np.isfinite(straight)
    # What does not fit is computed with ones in its place, and not used.
    size = np.where(fits, np.abs(away), 1.0)
    by = factors.reshape(-1, *[1] * (values.ndim - 1))
    mean = (size * by).sum(0) / size.sum(0)
    spread = (size * (by - mean) ** 2).sum(0)
    # Of the intercept of a weighted line: how it hangs on each logarithm.
    part = size * (1 / size.sum(0) - mean * (by - mean) / spread)
    grown = np.exp((part * np.log(size)).sum(0)) * np.sign(away[0])
    return np.where(fits, end + grown, straight), np.where(
        fits, np.abs(grown) * part / size, slopes
    )


def mean_eigenvalue(observable: SparseObservable) -> float:
    """Return tr(O)/d of a diagonal observable: its value where nothing is left but noise."""
    total = 0.0
    for term in observable.as_paulis():
        total += term.coeff.real if len(term.indices) == 0 else 0.0
    return float(total)


def _inverse(circuit: QuantumCircuit) -> QuantumCircuit:
    inverse = circuit.copy_empty_like()
    inverse.global_phase = -circuit.global_phase
    for instruction in reversed(circuit.data):
        operation, qubits = instruction.operation, instruction.qubits
        if isinstance(operation, Barrier | Delay):
            inverse.append(operation, qubits)
        elif isinstance(operation, SXGate):
            inverse.rz(math.pi, qubits[0])
            inverse.sx(qubits[0])
            inverse.rz(math.pi, qubits[0])
            inverse.global_phase += math.pi / 2
        elif isinstance(operation, Gate):
            inverse.append(operation.inverse(), qubits)
        else:
            raise ConfigError(
                f"circuit {circuit.name!r} holds {operation.name!r}, which has no inverse; "
                "zero-noise extrapolation folds gates alone"
            )
    return inverse
