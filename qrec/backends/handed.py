"""A user's own sampler or estimator primitive as a backend, which passes the self-test first."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.providers import BackendV2
from qiskit.transpiler import PassManager, generate_preset_pass_manager

from qrec.backends.base import BackendSpec, Raw, Unit
from qrec.backends.checks import angles_explained, guarded
from qrec.backends.estimated import estimated_values, estimator_pub
from qrec.backends.local import LocalBackend
from qrec.backends.sampled import BOUND_RIGHTLY, SampledBackend, SampledSpec, bound_rows
from qrec.backends.vendor.self_test import check_estimator, check_sampler
from qrec.backends.workload import Workload
from qrec.errors import ConfigError


class UserSamplerSpec(SampledSpec):
    """Settings of a sampler primitive handed over by the user, which keeps a seed of its own."""

    seed_simulator: None = None


class UserSamplerBackend(SampledBackend):
    """A user's own sampler primitive, which keeps a seed of its own.

    Circuits are made of gates that every sampler is known to bind rightly, or of its device's.
    """

    target = None

    def __init__(self, spec: UserSamplerSpec, sampler: BaseSamplerV2) -> None:
        super().__init__(spec)
        self._given, self._passed = sampler, False

    def pass_manager(self) -> PassManager:
        return _passes(
            _device(self._given), self._spec.optimization_level, self._spec.seed_transpiler
        )

    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | {"device": type(self._given).__name__}

    def _sampler(self, seed: int | None) -> BaseSamplerV2:
        if not self._passed:
            check_sampler(self._given, self.pass_manager(), f"backend {self.name!r}")
            self._passed = True
        return self._given


class EstimatedSpec(BackendSpec):
    """Settings of an estimator primitive handed over by the user."""

    precision: Annotated[float, Field(gt=0)]  # standard error asked of every value


class EstimatedBackend(LocalBackend):
    """Expectation values by any `BaseEstimatorV2` that takes logical circuits.

    Raises ConfigError for one on a device of its own: that is to be handed over itself.
    """

    shots = None
    target = None

    def __init__(self, spec: EstimatedSpec, estimator: BaseEstimatorV2) -> None:
        super().__init__(spec)
        if _device(estimator) is not None:
            raise ConfigError(
                f"open_backend: a {type(estimator).__name__} on a device takes that device's "
                "circuits alone; hand over the device, with shots, optimization_level and "
                "seed_transpiler"
            )
        self._precision = spec.precision
        self._estimator, self._passed = estimator, False

    def pass_manager(self) -> PassManager:
        return _passes(None, 0, 0)

    def _make_estimator(self) -> BaseEstimatorV2:
        if not self._passed:
            check_estimator(self._estimator, self.pass_manager(), f"backend {self.name!r}")
            self._passed = True
        return self._estimator

    def snapshot(self) -> dict[str, Any]:
        return {
            "spec": self.spec.model_dump(mode="json"),
            "device": type(self._estimator).__name__,
        }

    def prepare(self, workloads: Sequence[Workload]) -> list[Unit]:
        isa = self.pass_manager().run([w.circuit for w in workloads])
        return [Unit(*pair) for pair in zip(workloads, isa, strict=True)]

    def _execute(self, unit: Unit) -> Raw:
        pub = estimator_pub(unit, unit.workload.observable_list, bound_rows(unit))
        with angles_explained(unit.circuit, bound_rows(unit), f"workload {unit.workload.key!r}"):
            result = self._make_estimator().run([pub], precision=self._precision).result()[0]
        return estimated_values(result, len(unit.workload))


def _device(primitive: BaseSamplerV2 | BaseEstimatorV2) -> BackendV2 | None:
    """Return the device that a primitive is on, None for a simulator of any circuit."""
    # Qiskit's primitives, Aer's and the runtime client's keep it under this name.
    device = getattr(primitive, "_backend", None)
    return device if isinstance(device, BackendV2) and device.coupling_map else None


def _passes(device: BackendV2 | None, level: int, seed: int) -> PassManager:
    to = {"basis_gates": BOUND_RIGHTLY} if device is None else {"backend": device}
    passes = generate_preset_pass_manager(optimization_level=level, seed_transpiler=seed, **to)
    return guarded(passes)
