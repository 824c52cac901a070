"""Expectation values through an estimator primitive."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from qiskit.primitives import PubResult
from qiskit.quantum_info import SparseObservable

from qrec.backends.base import Raw, Unit
from qrec.backends.checks import BoundRows
from qrec.types import Array


def estimator_pub(
    unit: Unit, observables: Sequence[SparseObservable], bound: BoundRows | None
) -> tuple[Any, ...]:
    """Return a unit as an estimator takes it, for its observables on its circuit's qubits.

    Those of a joint workload are a row beside the column of the evaluations.
    """
    # Qiskit's estimators know no projectors, so 0 and 1 become (I + Z)/2 and (I - Z)/2.
    paulis = [observable.as_paulis() for observable in observables]
    if not unit.workload.is_joint:
        return unit.circuit, paulis[0], bound
    beside = bound and {names: rows[:, None] for names, rows in bound.items()}
    return unit.circuit, [paulis], beside


def estimated_values(result: PubResult, n_evaluations: int) -> Raw:
    """Return what an estimator gave, one row per evaluation.

    A circuit without parameters ran once for all of them.
    """

    def by_row(values: Array) -> Array:
        rows = values if values.ndim else values[None]
        return np.repeat(rows, n_evaluations, axis=0) if len(rows) == 1 else rows

    return {"value": by_row(result.data.evs), "stderr": by_row(result.data.stds)}
