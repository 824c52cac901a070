"""A user's own estimator primitive as a backend."""

from collections.abc import Sequence
from typing import Any

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.transpiler import PassManager

from qrec.backends.base import Estimate, LocalBackend, Raw, Unit
from qrec.backends.workload import Workload
from qrec.config import EstimatedSpec
from qrec.errors import ConfigError


class EstimatedBackend(LocalBackend):
    """Expectation values by any `BaseEstimatorV2` that takes logical circuits."""

    def __init__(self, spec: EstimatedSpec, estimator: BaseEstimatorV2) -> None:
        super().__init__(spec, spec.name)
        self._precision = spec.precision
        self._estimator = estimator

    shots = None
    target = None

    def pass_manager(self) -> PassManager | None:
        return None

    def estimator(self) -> BaseEstimatorV2:
        return self._estimator

    def sampler(self) -> BaseSamplerV2:
        raise ConfigError(f"backend {self.name!r} was opened on an estimator: no sampler here")

    def snapshot(self) -> dict[str, Any]:
        return {
            "spec": self.spec.model_dump(mode="json"),
            "device": type(self._estimator).__name__,
        }

    def prepare(self, workloads: Sequence[Workload]) -> tuple[list[Unit], Estimate]:
        units = [Unit(workload, workload.circuit) for workload in workloads]
        return units, Estimate(len(units), sum(map(len, workloads)), 0)

    def _execute(self, unit: Unit) -> Raw:
        workload = unit.workload
        # Qiskit's estimators know no projectors, so 0 and 1 become (I + Z)/2 and (I - Z)/2.
        paulis = workload.observable.as_paulis()
        pub = (unit.circuit, paulis, {tuple(unit.circuit.parameters): workload.parameters})
        result = self._estimator.run([pub], precision=self._precision).result()[0]
        return {"value": result.data.evs, "stderr": result.data.stds}
