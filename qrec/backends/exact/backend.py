"""`kind: exact`: infinite shots, ideal or under a device's noise, gradients by autograd."""

import importlib.metadata
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import PassManager, Target

from qrec.backends.base import Estimate, LocalBackend, Raw, Unit
from qrec.backends.exact.device import DeviceNoise
from qrec.backends.exact.estimator import ExactEstimator, evaluate
from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.explain import explain
from qrec.backends.exact.sampler import ExactSampler, split_measurements
from qrec.backends.readings import is_diagonal
from qrec.backends.sampled import measure
from qrec.backends.snapshots import Snapshot, open_snapshot
from qrec.backends.transpile import Transpiler
from qrec.backends.workload import Workload
from qrec.config import ExactSpec


class ExactBackend(LocalBackend):
    """Evaluates the logical circuit as it is, or transpiled for a device under its noise.

    A reading has no error and no shots.
    """

    shots = None

    def __init__(self, spec: ExactSpec) -> None:
        super().__init__(spec, spec.name)
        self._spec = spec

    @property
    def pinned(self) -> Snapshot | None:
        if self._pinned is None and self._spec.snapshot is not None:
            self._pinned = open_snapshot(self._spec.snapshot)
        return self._pinned

    @property
    def _noise(self) -> DeviceNoise | None:
        return None if self.pinned is None else _noise(self.pinned)

    @property
    def _transpiler(self) -> Transpiler | None:
        spec = self._spec
        if self.pinned is None:
            return None
        assert spec.optimization_level is not None  # the spec sees to that
        assert spec.seed_transpiler is not None
        return Transpiler(self.pinned, spec.optimization_level, spec.seed_transpiler)

    @property
    def target(self) -> Target | None:
        return self._noise and self._noise.target

    def pass_manager(self) -> PassManager | None:
        return self._transpiler and self._transpiler.pass_manager()

    def estimator(self) -> BaseEstimatorV2:
        """Return the engine as an estimator; with a snapshot it takes ISA circuits."""
        return ExactEstimator(self._noise, self._spec.dtype)

    def sampler(self) -> BaseSamplerV2:
        """Return a sampler of the exact distribution whose seed is 0; ISA circuits as above."""
        return ExactSampler(seed=0, noise=self._noise)

    def expectation(self, circuit: QuantumCircuit, observable: SparseObservable) -> Expectation:
        """Return a logical circuit's expectation value here as a torch function."""
        isa, observed = self._isa(circuit, observable)
        return Expectation(isa, observed, noise=self._noise, parameters=circuit.parameters)

    def explain(self, workload: Workload) -> None:
        """Print which steps evaluate a workload here, and what they cost."""
        circuit, observable = self._isa(workload.circuit, workload.observable)
        print(explain(circuit, observable, workload, self._noise, self._spec.dtype))

    def snapshot(self) -> dict[str, Any]:
        packages = {name: importlib.metadata.version(name) for name in ("qiskit", "torch")}
        device = {} if self.pinned is None else {"snapshot": self.pinned.summary()}
        return {"spec": self.spec.model_dump(mode="json"), "packages": packages} | device

    def prepare(self, workloads: Sequence[Workload]) -> tuple[list[Unit], Estimate]:
        units = [Unit(w, self._isa(w.circuit, w.observable)[0]) for w in workloads]
        return units, Estimate(len(units), sum(map(len, workloads)), 0)

    def _isa(
        self, circuit: QuantumCircuit, observable: SparseObservable
    ) -> tuple[QuantumCircuit, SparseObservable]:
        transpiler = self._transpiler
        if transpiler is None:
            return circuit, observable
        # A measurement changes which qubits the transpiler picks: with it they are those that
        # an aer backend with the same settings runs on.
        whole = measure(circuit, observable) if is_diagonal(observable) else circuit
        [isa] = transpiler.run([whole])
        return split_measurements(isa)[0], observable.apply_layout(isa.layout)

    def _execute(self, unit: Unit) -> Raw:
        workload = unit.workload
        observable = workload.observable
        if self._noise is not None:
            observable = observable.apply_layout(unit.circuit.layout)
        value = evaluate(
            unit.circuit,
            observable,
            workload.parameters,
            parameters=workload.circuit.parameters,
            noise=self._noise,
            dtype=self._spec.dtype,
        )
        return {"value": value, "stderr": np.zeros_like(value)}


@cache
def _noise(snapshot: Snapshot) -> DeviceNoise:
    """Read a device once per process."""
    return DeviceNoise(snapshot.device.target)
