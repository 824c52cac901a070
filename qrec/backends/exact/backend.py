"""`kind: exact`: infinite shots, no noise, gradients by autograd."""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2, StatevectorSampler
from qiskit.transpiler import PassManager

from qrec.backends.base import Estimate, LocalBackend, Raw, Unit
from qrec.backends.exact.estimator import ExactEstimator, evaluate
from qrec.backends.exact.program import read_circuit
from qrec.backends.workload import Workload
from qrec.config import ExactSpec


class ExactBackend(LocalBackend):
    """Evaluates the logical circuit as it is; a reading has no error and no shots."""

    def __init__(self, spec: ExactSpec) -> None:
        super().__init__(spec, spec.name)

    shots = None
    target = None

    def pass_manager(self) -> PassManager | None:
        return None

    def estimator(self) -> BaseEstimatorV2:
        return ExactEstimator()

    def sampler(self) -> BaseSamplerV2:
        return StatevectorSampler(seed=0)

    def snapshot(self) -> dict[str, Any]:
        packages = {name: importlib.metadata.version(name) for name in ("qiskit", "torch")}
        return {"spec": self.spec.model_dump(mode="json"), "packages": packages}

    def prepare(self, workloads: Sequence[Workload]) -> tuple[list[Unit], Estimate]:
        units = [Unit(workload, workload.circuit) for workload in workloads]
        return units, Estimate(len(units), sum(map(len, workloads)), 0)

    def _execute(self, unit: Unit) -> Raw:
        program = read_circuit(unit.circuit)
        value = evaluate(program, unit.workload.observable, unit.workload.parameters)
        return {"value": value, "stderr": 0.0 * value}
