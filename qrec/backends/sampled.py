"""Backends that take shots through one of Qiskit's sampler primitives."""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import (
    BackendEstimatorV2,
    BackendSamplerV2,
    BaseEstimatorV2,
    BaseSamplerV2,
    PubResult,
)
from qiskit.providers import BackendV2
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import PassManager, Target, generate_preset_pass_manager

from qrec.backends.base import Estimate, LocalBackend, Raw, Unit, workload_seed
from qrec.backends.readings import support
from qrec.backends.workload import Workload
from qrec.config import SampledSpec
from qrec.errors import ConfigError

REGISTER = "read"  # the classical register every workload is measured into


class SampledBackend(LocalBackend):
    """Shots by any `BaseSamplerV2`, or by a `BackendV2` through Qiskit's own wrapper.

    Only the qubits the observable reads are measured. A sampler given by the user keeps its
    own seed; the others take a seed of their own per workload.
    """

    def __init__(
        self,
        spec: SampledSpec,
        *,
        device: BackendV2 | None = None,
        sampler: BaseSamplerV2 | None = None,
    ) -> None:
        super().__init__(spec, spec.name)
        self._spec = spec
        self._device = device
        self._sampler = sampler

    @property
    def shots(self) -> int:
        return self._spec.shots

    @property
    def target(self) -> Target | None:
        return None if self._device is None else self._device.target

    def pass_manager(self) -> PassManager:
        return generate_preset_pass_manager(
            optimization_level=self._spec.optimization_level,
            target=self.target,
            seed_transpiler=self._spec.seed_transpiler,
        )

    def sampler(self) -> BaseSamplerV2:
        return self._seeded_sampler(self._spec.seed_simulator)

    def estimator(self) -> BaseEstimatorV2:
        if self._device is None:
            raise ConfigError(f"backend {self.name!r} was opened on a sampler: no estimator here")
        options = {
            "default_precision": 1 / np.sqrt(self.shots),
            "seed_simulator": self._spec.seed_simulator,
        }
        return BackendEstimatorV2(backend=self._device, options=options)

    def snapshot(self) -> dict[str, Any]:
        packages = {name: importlib.metadata.version(name) for name in ("qiskit", "qiskit-aer")}
        device = self._device.name if self._device is not None else type(self._sampler).__name__
        return {
            "spec": self.spec.model_dump(mode="json"),
            "device": device,
            "packages": packages,
        }

    def prepare(self, workloads: Sequence[Workload]) -> tuple[list[Unit], Estimate]:
        measured = [measure(w.circuit, w.observable) for w in workloads]
        units = [
            Unit(workload, circuit)
            for workload, circuit in zip(workloads, self._transpiled(measured), strict=True)
        ]
        evaluations = sum(map(len, workloads))
        return units, Estimate(len(units), evaluations, evaluations * self.shots)

    def _transpiled(self, circuits: list[QuantumCircuit]) -> list[QuantumCircuit]:
        return list(self.pass_manager().run(circuits))

    def _execute(self, unit: Unit) -> Raw:
        sampler = self._seeded_sampler(workload_seed(self._spec.seed_simulator, unit.workload))
        result = sampler.run([sampler_pub(unit, self.shots)]).result()[0]
        return measured_bits(result, len(unit.workload))

    def _seeded_sampler(self, seed: int) -> BaseSamplerV2:
        if self._sampler is not None:
            return self._sampler
        assert self._device is not None
        return BackendSamplerV2(backend=self._device, options={"seed_simulator": seed})


def sampler_pub(unit: Unit, shots: int) -> tuple[QuantumCircuit, Any, int]:
    """Return a unit as a sampler takes it."""
    return unit.circuit, bound_rows(unit), shots


def bound_rows(unit: Unit) -> dict[tuple[Parameter, ...], NDArray[np.float64]] | None:
    """Return a unit's parameter rows as primitives take them, None where no parameter is left.

    Transpiling may reorder parameters, and drop those of gates that change no outcome, such as
    RZ on |0> or before a measurement; a binding by name cannot be misread.
    """
    left = set(unit.circuit.parameters)
    columns = [i for i, p in enumerate(unit.workload.circuit.parameters) if p in left]
    names = tuple(unit.workload.circuit.parameters[i] for i in columns)
    return {names: unit.workload.parameters[:, columns]} if names else None


def measured_bits(result: PubResult, n_evaluations: int) -> Raw:
    """Return what a sampler measured, one row per evaluation.

    A circuit left without parameters ran once for all of them.
    """
    bits = result.data[REGISTER].array
    return {"bits": bits if bits.ndim == 3 else np.repeat(bits[None], n_evaluations, 0)}


def measure(circuit: QuantumCircuit, observable: SparseObservable) -> QuantumCircuit:
    """Add a measurement of the qubits the observable reads, bit j from ``support[j]``."""
    measured = support(observable)
    circuit = circuit.copy()
    register = ClassicalRegister(len(measured), REGISTER)
    circuit.add_register(register)
    circuit.measure(measured, register)
    return circuit
