"""A user's own estimator primitive as a backend."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from qiskit.primitives import BaseEstimatorV2, PubResult
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import PassManager

from qrec.backends.base import BackendSpec, Raw, Unit
from qrec.backends.local import LocalBackend
from qrec.backends.sampled import BoundRows
from qrec.backends.workload import Workload
from qrec.types import Array


class EstimatedSpec(BackendSpec):
    """Settings of an estimator primitive handed over by the user."""

    precision: Annotated[float, Field(gt=0)]  # standard error asked of every value


class EstimatedBackend(LocalBackend):
    """Expectation values by any `BaseEstimatorV2` that takes logical circuits."""

    def __init__(self, spec: EstimatedSpec, estimator: BaseEstimatorV2) -> None:
        super().__init__(spec)
        self._precision = spec.precision
        self._estimator = estimator

    shots = None
    target = None

    def pass_manager(self) -> PassManager | None:
        return None

    def _make_estimator(self) -> BaseEstimatorV2:
        return self._estimator

    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | {"device": type(self._estimator).__name__}

    def prepare(self, workloads: Sequence[Workload]) -> list[Unit]:
        return [Unit(workload, workload.circuit) for workload in workloads]

    def _execute(self, unit: Unit) -> Raw:
        rows = {tuple(unit.circuit.parameters): unit.workload.parameters}
        pub = estimator_pub(unit, unit.workload.observable_list, rows)
        result = self._estimator.run([pub], precision=self._precision).result()[0]
        return estimated_values(result, len(unit.workload))


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
