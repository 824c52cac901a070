"""Shots on a vendor's backend, none of them before it has passed the self-test."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.converters import circuit_to_dag, dag_to_circuit
from qiskit.dagcircuit import DAGCircuit
from qiskit.primitives import BackendEstimatorV2, BaseEstimatorV2
from qiskit.providers import BackendV2
from qiskit.transpiler import PassManager, Target, TransformationPass

from qrec.backends.base import Raw, Unit
from qrec.backends.checks import checked
from qrec.backends.local import workload_seed
from qrec.backends.sampled import REGISTER, SampledBackend, SampledSpec, bound_rows, measure
from qrec.backends.vendor.device import COUNTS, ROUTES, Vendor, VendorError
from qrec.backends.vendor.process import AnyVendor
from qrec.backends.vendor.results import Bits, Pub
from qrec.backends.vendor.sampler import VendorSampler
from qrec.backends.vendor.self_test import Transpiling, admitted, disobeys_seed, most_executions
from qrec.backends.workload import Workload
from qrec.errors import ConfigError, MissingError, QrecError, RejectedError

_ERRORS: dict[str, type[QrecError]] = {
    "missing": MissingError,
    "config": ConfigError,
    "failed": RejectedError,
}


class VendorSpec(SampledSpec):
    """Settings of a vendor's backend, whoever opened it."""

    bind_first: bool = False  # for transpilers that take no parameters: rows are bound before


class VendorBackend(SampledBackend):
    """A vendor's backend by the first of `routes` that passes the self-test.

    Its jobs are had in the process that sends them, and so is the self-test, just before the
    first shots: where they are paid for, that takes a permit as they do. With the bits of every
    evaluation goes the route by which they came. Raises ConfigError where an option cannot be
    honoured, RejectedError for whatever the vendor's code raises.
    """

    routes: Sequence[str] = ROUTES

    def __init__(self, spec: VendorSpec) -> None:
        super().__init__(spec)
        self._bind_first = spec.bind_first
        self._transpiling = Transpiling(
            spec.optimization_level, spec.seed_transpiler, spec.bind_first
        )
        self._passed = False

    @abstractmethod
    def _vendor(self) -> AnyVendor: ...

    @property
    def target(self) -> Target:
        return self._vendor().target

    def pass_manager(self) -> PassManager:
        vendor, asked = self._vendor(), self._transpiling
        if isinstance(vendor, Vendor):
            return vendor.pass_manager(asked.level, asked.seed)
        return PassManager([_Transpiled(self._transpiled)])

    @property
    def self_test_executions(self) -> int:
        if self._passed or not self.costs:
            return 0
        return most_executions(self.routes, self._spec.seed_simulator is not None)

    def _make_estimator(self) -> BaseEstimatorV2:
        """Return Qiskit's estimator on the device, which reads counts."""
        vendor = self._vendor()
        if not isinstance(vendor, Vendor):
            raise ConfigError(
                f"backend {self.name!r} runs in a process of its own: no estimator in this one"
            )
        self._route(vendor, (COUNTS,))
        options = {
            "default_precision": self.shots**-0.5,
            "seed_simulator": self._spec.seed_simulator,
        }
        return BackendEstimatorV2(backend=vendor.device, options=options)

    def snapshot(self) -> dict[str, Any]:
        description = self._vendor().description
        return super().snapshot() | {key: description[key] for key in ("device", "packages")}

    def prepare(self, workloads: Sequence[Workload]) -> list[Unit]:
        """Return units; with `bind_first` each holds the circuit of its first row, to be shown."""
        if not self._bind_first:
            return super().prepare(workloads)
        if any(w.isa for w in workloads):
            raise ConfigError(
                f"backend {self.name!r} binds angles before it transpiles, so that no circuit "
                "with parameters can be run as it is; expected one without bind_first"
            )
        isa = self._transpiled([circuit for w in workloads for circuit in bound_circuits(w, 1)])
        return [Unit(*pair) for pair in zip(workloads, isa, strict=True)]

    def _transpiled(self, circuits: list[QuantumCircuit]) -> list[QuantumCircuit]:
        asked = self._transpiling
        with self._explained():
            return self._vendor().transpile(checked(circuits), asked.level, asked.seed)

    def _pubs(self, unit: Unit) -> list[Pub]:
        """Return what a vendor is given for a unit: its rows, or with `bind_first` one for each."""
        if self._bind_first:
            isa = self._transpiled(bound_circuits(unit.workload, len(unit.workload)))
            return [(circuit, [], np.zeros((1, 0))) for circuit in isa]
        [(parameters, rows)] = (bound_rows(unit) or {(): np.zeros((len(unit.workload), 0))}).items()
        return [(unit.circuit, [parameter.name for parameter in parameters], rows)]

    def _execute(self, unit: Unit) -> Raw:
        vendor, seed = self._vendor(), self._seed(unit)
        route = self._route(vendor, self.routes)
        pubs = self._pubs(unit)
        with self._explained():
            found = vendor.run(pubs, self.shots, route, seed)
        bits = np.concatenate([one[REGISTER] for one in found])
        return {"bits": bits, "route": np.full(len(bits), route)}

    def _seed(self, unit: Unit) -> int | None:
        seed = self._spec.seed_simulator
        return None if seed is None else workload_seed(seed, unit.workload)

    def _sampler(self, seed: int | None) -> VendorSampler:
        vendor = self._vendor()
        route = self._route(vendor, self.routes)

        def run(pub: Pub, shots: int) -> Bits:
            with self._explained():
                return vendor.run([pub], shots, route, seed)[0]

        return VendorSampler(run, self.shots)

    def _route(self, vendor: AnyVendor, routes: Sequence[str]) -> str:
        """Return the first route that passes the self-test, if it obeys a seed that is given."""
        with self._explained():
            route = admitted(vendor, routes, self._transpiling)
            seeded = self._spec.seed_simulator is not None
            if seeded and (problem := disobeys_seed(vendor, route, self._transpiling)):
                said = f"seed_simulator is not obeyed ({problem}); leave it out"
                raise VendorError("config", said)
            self._passed = True
            return route

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise qrec's own errors for what the vendor's code does."""
        try:
            yield
        except VendorError as error:
            raise _ERRORS[error.kind](f"backend {self.name!r}: {error}") from error


class _Transpiled(TransformationPass):  # type: ignore[misc]
    """Transpiles a circuit where its vendor's backend is."""

    def __init__(self, transpile: Callable[[list[QuantumCircuit]], list[QuantumCircuit]]) -> None:
        super().__init__()
        self._transpile = transpile

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        [isa] = self._transpile([dag_to_circuit(dag)])
        return circuit_to_dag(isa)


def bound_circuits(workload: Workload, n_rows: int) -> list[QuantumCircuit]:
    """Return a workload's circuit, measured, bound to each of its first rows."""
    circuit = measure(workload.circuit, *workload.observable_list)
    return [circuit.assign_parameters(row) for row in workload.parameters[:n_rows]]


class UserDeviceBackend(VendorBackend):
    """A `BackendV2` object that the user made, whoever its vendor is."""

    def __init__(self, spec: VendorSpec, device: BackendV2) -> None:
        super().__init__(spec)
        self._device = device

    def _vendor(self) -> Vendor:
        return _vendor_of(self._device)


@cache
def _vendor_of(device: BackendV2) -> Vendor:
    """Return one vendor per object, so that each is tested once per process."""
    made_by = type(device)
    return Vendor(device, f"{made_by.__module__}:{made_by.__qualname__}")
