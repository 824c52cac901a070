"""`kind: exact`: exact distributions, ideal or under a device's noise, gradients by autograd."""

import importlib.metadata
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import PassManager, Target

from qrec.backends.base import Estimate, Limits, LocalBackend, Raw, Unit, workload_seed
from qrec.backends.device.snapshots import Snapshot, open_snapshot
from qrec.backends.device.transpile import Transpiler
from qrec.backends.exact.estimator import ExactEstimator, evaluate
from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.explain import explain
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.question import Question
from qrec.backends.exact.sampler import ExactSampler, split_measurements
from qrec.backends.exact.shots import draw_counts
from qrec.backends.readings import is_diagonal
from qrec.backends.sampled import measure
from qrec.backends.workload import Workload
from qrec.config import ExactSpec
from qrec.errors import ConfigError


class ExactBackend(LocalBackend):
    """Evaluates the logical circuit as it is, or transpiled for a device under its noise.

    Without shots a reading has no error. With them it is drawn from the exact distribution,
    and what needs exact values (`estimator`, `expectation`) raises ConfigError.
    """

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
        return Transpiler(
            self.pinned,
            spec.optimization_level,
            spec.seed_transpiler,
            scheduling=spec.scheduling_method,
        )

    @property
    def shots(self) -> int | None:
        return self._spec.shots

    @property
    def limits(self) -> Limits:
        """Shots cost nothing here: as much at a time as without."""
        return Limits(pubs=1, evaluations=2**14)

    @property
    def target(self) -> Target | None:
        return self._noise and self._noise.target

    def pass_manager(self) -> PassManager | None:
        return self._transpiler and self._transpiler.pass_manager()

    def estimator(self) -> BaseEstimatorV2:
        """Return the engine as an estimator; with a snapshot it takes ISA circuits."""
        self._check_exact("an estimator")
        return ExactEstimator(self._noise, self._spec.dtype)

    def sampler(self) -> BaseSamplerV2:
        """Return a sampler of the exact distribution; ISA circuits as above.

        Without shots of its own the backend's sampler has the seed 0.
        """
        return ExactSampler(
            seed=self._spec.seed_simulator or 0, noise=self._noise, shots=self.shots
        )

    def expectation(self, circuit: QuantumCircuit, observable: SparseObservable) -> Expectation:
        """Return a logical circuit's expectation value here as a torch function."""
        self._check_exact("an expectation with gradients")
        isa, observed = self._isa(circuit, observable)
        return Expectation(Question(isa, [observed], circuit.parameters, self._noise))

    def explain(self, workload: Workload) -> None:
        """Print what evaluates a workload here, and what it costs."""
        circuit, observable = self._isa(workload.circuit, workload.observable)
        print(explain(self._question(circuit, [observable], workload), workload.parameters))

    def snapshot(self) -> dict[str, Any]:
        packages = {name: importlib.metadata.version(name) for name in ("qiskit", "torch")}
        device = {} if self.pinned is None else {"snapshot": self.pinned.summary()}
        return {"spec": self.spec.model_dump(mode="json"), "packages": packages} | device

    def prepare(self, workloads: Sequence[Workload]) -> tuple[list[Unit], Estimate]:
        units = [Unit(w, self._isa(w.circuit, w.observable)[0]) for w in workloads]
        return units, self.estimate(units)

    def _check_exact(self, what: str) -> None:
        if self.shots is not None:
            raise ConfigError(
                f"backend {self.name!r} has shots: {self.shots}, {what} has none; expected an "
                "entry of kind exact without shots and seed_simulator"
            )

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

    def _question(
        self, circuit: QuantumCircuit, observables: list[SparseObservable], workload: Workload
    ) -> Question:
        columns = workload.circuit.parameters
        return Question(circuit, observables, columns, self._noise, self._spec.dtype)

    def _execute(self, unit: Unit) -> Raw:
        workload = unit.workload
        observable = workload.observable
        if self._noise is not None:
            observable = observable.apply_layout(unit.circuit.layout)
        question = self._question(unit.circuit, [observable], workload)
        if self._spec.shots is not None:
            assert self._spec.seed_simulator is not None
            seed = workload_seed(self._spec.seed_simulator, workload)
            return {"counts": draw_counts(question, workload.parameters, self._spec.shots, seed)}
        value = evaluate(question, workload.parameters)[:, 0]
        return {"value": value, "stderr": np.zeros_like(value)}


@cache
def _noise(snapshot: Snapshot) -> DeviceNoise:
    """Read a device once per process."""
    return DeviceNoise(snapshot.device.target)
