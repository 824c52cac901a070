"""Backends that take shots through a sampler primitive."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.primitives import BaseSamplerV2, PubResult
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import PassManager

from qrec.backends.base import BackendSpec, Raw, Unit
from qrec.backends.checks import BoundRows, angles_explained
from qrec.backends.local import LocalBackend, workload_seed
from qrec.backends.readings import support
from qrec.backends.workload import Workload

# Aer 0.18.2 binds parameters of controlled rotations (crx, cry, crz, cp, cu) wrongly, without a
# word: https://github.com/Qiskit/qiskit-aer/issues/2323. So these are decomposed.
BOUND_RIGHTLY = [
    *("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "ry", "rz", "p"),
    *("cx", "cy", "cz", "swap", "rxx", "ryy", "rzz", "rzx", "ccx", "ccz", "cswap"),
]
REGISTER = "read"  # the classical register every workload is measured into


class SampledSpec(BackendSpec):
    """Settings of backends that take shots; all of them explicit, all of them stored."""

    shots: Annotated[int, Field(ge=1)]
    seed_simulator: Annotated[int, Field(ge=0)] | None = None  # where one is obeyed
    optimization_level: Annotated[int, Field(ge=0, le=3)]
    seed_transpiler: Annotated[int, Field(ge=0)]


class SampledBackend(LocalBackend):
    """Shots by a sampler primitive, of the qubits the observables read and no others.

    Where a seed is given, every workload has one of its own that is made of it.
    """

    packages = ("qiskit", "qiskit-aer")

    def __init__(self, spec: SampledSpec) -> None:
        super().__init__(spec)
        self._spec = spec

    @property
    def shots(self) -> int:
        return self._spec.shots

    @abstractmethod
    def pass_manager(self) -> PassManager: ...

    def _make_sampler(self) -> BaseSamplerV2:
        return self._sampler(self._spec.seed_simulator)

    @abstractmethod
    def _sampler(self, seed: int | None) -> BaseSamplerV2: ...

    def prepare(self, workloads: Sequence[Workload]) -> list[Unit]:
        measured = [measure(w.circuit, *w.observable_list) for w in workloads]
        logical = [c for c, w in zip(measured, workloads, strict=True) if not w.isa]
        isa = iter(self._transpiled(logical) if logical else [])
        return [
            Unit(w, circuit if w.isa else next(isa))
            for w, circuit in zip(workloads, measured, strict=True)
        ]

    def _transpiled(self, circuits: list[QuantumCircuit]) -> list[QuantumCircuit]:
        return list(self.pass_manager().run(circuits))

    def _execute(self, unit: Unit) -> Raw:
        seed = self._spec.seed_simulator
        sampler = self._sampler(None if seed is None else workload_seed(seed, unit.workload))
        pub, key = sampler_pub(unit, self.shots), unit.workload.key
        with angles_explained(*pub[:2], f"workload {key!r}"):
            result = sampler.run([pub]).result()[0]
        return measured_bits(result, len(unit.workload))


def sampler_pub(unit: Unit, shots: int) -> tuple[QuantumCircuit, Any, int]:
    """Return a unit as a sampler takes it."""
    return unit.circuit, bound_rows(unit), shots


def bound_rows(unit: Unit) -> BoundRows | None:
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


def measure(circuit: QuantumCircuit, *observables: SparseObservable) -> QuantumCircuit:
    """Add a measurement of the qubits the observables read, bit j from ``support[j]``."""
    measured = support(*observables)
    circuit = circuit.copy()
    register = ClassicalRegister(len(measured), REGISTER)
    circuit.add_register(register)
    circuit.measure(measured, register)
    return circuit
