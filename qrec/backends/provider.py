"""`kind: provider`: shots on any vendor's `BackendV2`, by import path."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from qiskit.circuit import Gate
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.primitives import BackendEstimatorV2, BaseEstimatorV2, BaseSamplerV2
from qiskit.transpiler import PassManager, Target

from qrec.backends.base import Estimate, LocalBackend, Raw, Unit, workload_seed
from qrec.backends.sampled import measure, measured_bits, sampler_pub
from qrec.backends.self_test import admitted, disobeys_seed
from qrec.backends.vendor import COUNTS, ROUTES, Bits, Pub, Vendor, VendorError
from qrec.backends.vendor_process import AnyVendor, VendorProcess
from qrec.backends.vendor_sampler import VendorSampler
from qrec.backends.workload import Workload
from qrec.config import ProviderSpec
from qrec.errors import ConfigError, MissingError, QrecError, RejectedError

_ERRORS: dict[str, type[QrecError]] = {
    "missing": MissingError,
    "config": ConfigError,
    "failed": RejectedError,
}


class ProviderBackend(LocalBackend):
    """A vendor's backend, in this process or, with ``python``, in one of its own.

    Nothing of it is imported before it is needed: reading stored results needs none. Before
    its first shots it must pass the self-test. Its jobs are had in the process that sends them.
    Raises MissingError where the vendor's package is not there, ConfigError where an option
    cannot be honoured, RejectedError for whatever the vendor's code raises.
    """

    def __init__(self, spec: ProviderSpec) -> None:
        super().__init__(spec, spec.name)
        self._spec = spec
        self._transpiler = spec.optimization_level, spec.seed_transpiler

    @property
    def shots(self) -> int:
        return self._spec.shots

    @property
    def costs(self) -> bool:
        return not self._spec.free

    @property
    def target(self) -> Target:
        vendor = self._vendor()
        if isinstance(vendor, Vendor):
            return vendor.device.target
        return _target(vendor.description)

    def pass_manager(self) -> PassManager:
        return self._here("transpiler").pass_manager(*self._transpiler)

    def sampler(self) -> BaseSamplerV2:
        return self._sampler(self._spec.seed_simulator)

    def estimator(self) -> BaseEstimatorV2:
        """Return Qiskit's estimator on the device, which reads counts."""
        vendor = self._here("estimator")
        self._route(vendor, (COUNTS,))
        options = {
            "default_precision": self.shots**-0.5,
            "seed_simulator": self._spec.seed_simulator,
        }
        return BackendEstimatorV2(backend=vendor.device, options=options)

    def snapshot(self) -> dict[str, Any]:
        description = self._vendor().description
        return {
            "spec": self.spec.model_dump(mode="json"),
            "device": description["device"],
            "packages": description["packages"],
        }

    def prepare(self, workloads: Sequence[Workload]) -> tuple[list[Unit], Estimate]:
        measured = [measure(w.circuit, w.observable) for w in workloads]
        with self._explained():
            isa = self._vendor().transpile(measured, *self._transpiler)
        units = [Unit(*pair) for pair in zip(workloads, isa, strict=True)]
        return units, self.estimate(units)

    def _execute(self, unit: Unit) -> Raw:
        seed = self._spec.seed_simulator
        sampler = self._sampler(None if seed is None else workload_seed(seed, unit.workload))
        result = sampler.run([sampler_pub(unit, self.shots)]).result()[0]
        return measured_bits(result, len(unit.workload))

    def _sampler(self, seed: int | None) -> VendorSampler:
        vendor = self._vendor()
        route = self._route(vendor, ROUTES)

        def run(pub: Pub, shots: int) -> Bits:
            with self._explained():
                return vendor.run([pub], shots, route, seed)[0]

        return VendorSampler(run, self.shots)

    def _route(self, vendor: AnyVendor, routes: Sequence[str]) -> str:
        """Return the first route that passes the self-test, if it honours the entry."""
        with self._explained():
            route = admitted(vendor, routes, *self._transpiler)
            if self._spec.seed_simulator is None:
                return route
            if problem := disobeys_seed(vendor, route, *self._transpiler):
                said = f"seed_simulator is not obeyed ({problem}); take it out of the entry"
                raise VendorError("config", said)
            return route

    def _vendor(self) -> AnyVendor:
        spec = self._spec
        with self._explained():
            return _opened(spec.backend, json.dumps(spec.arguments), spec.python)

    def _here(self, what: str) -> Vendor:
        vendor = self._vendor()
        if isinstance(vendor, Vendor):
            return vendor
        raise ConfigError(
            f"backend {self.name!r} runs in a process of its own: no {what} in this one"
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise qrec's own errors for what the vendor's code does."""
        try:
            yield
        except VendorError as error:
            raise _ERRORS[error.kind](f"backend {self.name!r}: {error}") from error


@cache
def _opened(path: str, arguments: str, python: str | None) -> AnyVendor:
    """Open a vendor's backend once per process: a device's model may take seconds."""
    if python is None:
        return Vendor(path, json.loads(arguments))
    return VendorProcess(python, path, json.loads(arguments))


def _target(description: dict[str, Any]) -> Target:
    """Return the target that another process described; a vendor's own gates are plain ones."""
    standard = get_standard_gate_name_mapping()
    target = Target(num_qubits=description["num_qubits"])
    for name, operation in description["operations"].items():
        instruction = standard.get(name) or Gate(name, operation["num_qubits"], [])
        qargs = operation["qargs"]
        properties = None if qargs is None else dict.fromkeys(map(tuple, qargs))
        target.add_instruction(instruction, properties, name=name)
    return target
