"""What `kind: ibm` sends and how it reads the answer: shots by the sampler, or mitigated values.

Both primitives of the runtime client turn what they are given into a quantum program here and
read its result here; the device only runs circuits.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator
from qiskit import QuantumCircuit

from qrec.backends.base import BackendSpec, Raw, Unit
from qrec.backends.estimated import estimated_values, estimator_pub
from qrec.backends.sampled import bound_rows, measure, measured_bits, sampler_pub
from qrec.backends.workload import Workload

if TYPE_CHECKING:
    from qiskit_ibm_runtime.options_models import EstimatorOptions, SamplerOptions


class PrimitiveSpec(BackendSpec):
    """What the primitives are told.

    Without `resilience_level` shots come back as they were measured. With it values do: at 0
    unmitigated, at 1 with readout errors taken out (TREX), at 2 extrapolated to no noise too
    (ZNE by gate folding). Twirling that is not set is as the level has it, off without one.
    """

    shots: Annotated[int, Field(ge=1)]
    dynamical_decoupling: Literal["XX", "XpXm", "XY4"] | None = None
    resilience_level: Literal[0, 1, 2] | None = None
    twirl_gates: bool | None = None
    twirl_measurements: bool | None = None

    @model_validator(mode="after")
    def _mitigation_twirls(self) -> "PrimitiveSpec":
        if self.resilience_level and self.twirl_measurements is False:
            raise ValueError(
                f"twirl_measurements is false, but resilience_level {self.resilience_level} takes "
                "readout errors out by twirling measurements"
            )
        return self


class Primitive(ABC):
    """One of the two primitives with the settings of a backend."""

    def __init__(self, spec: PrimitiveSpec) -> None:
        self._spec = spec

    @abstractmethod
    def circuit(self, workload: Workload) -> QuantumCircuit:
        """Return the logical circuit to transpile."""

    @abstractmethod
    def pub(self, unit: Unit) -> Any:
        """Return a unit as the primitive takes it."""

    @abstractmethod
    def options(self) -> "SamplerOptions | EstimatorOptions":
        """Return the primitive's options, made anew."""

    @abstractmethod
    def raw(self, result: Any, n_evaluations: int) -> Raw:
        """Return what a unit's result holds, one row per evaluation."""

    def _with_common(self, options: Any) -> Any:
        if self._spec.dynamical_decoupling is not None:
            options.dynamical_decoupling.enable = True
            options.dynamical_decoupling.sequence_type = self._spec.dynamical_decoupling
        return options


class Shots(Primitive):
    """The sampler: every shot comes back, nothing is mitigated."""

    def circuit(self, workload: Workload) -> QuantumCircuit:
        return measure(workload.circuit, *workload.observable_list)

    def pub(self, unit: Unit) -> Any:
        return sampler_pub(unit, self._spec.shots)

    def options(self) -> "SamplerOptions":
        from qiskit_ibm_runtime.options_models import SamplerOptions

        options: SamplerOptions = self._with_common(SamplerOptions(default_shots=self._spec.shots))
        options.twirling.enable_gates = bool(self._spec.twirl_gates)
        options.twirling.enable_measure = bool(self._spec.twirl_measurements)
        return options

    def raw(self, result: Any, n_evaluations: int) -> Raw:
        return measured_bits(result, n_evaluations)


class Mitigated(Primitive):
    """The estimator at a resilience level: values and standard errors come back."""

    def circuit(self, workload: Workload) -> QuantumCircuit:
        return workload.circuit

    def pub(self, unit: Unit) -> Any:
        return estimator_pub(unit, unit.observables, bound_rows(unit))

    def options(self) -> "EstimatorOptions":
        from qiskit_ibm_runtime.options_models import EstimatorOptions

        options: EstimatorOptions = self._with_common(
            EstimatorOptions(
                default_shots=self._spec.shots, resilience_level=self._spec.resilience_level
            )
        )
        options.twirling.enable_gates = self._spec.twirl_gates
        options.twirling.enable_measure = self._spec.twirl_measurements
        return options

    def raw(self, result: Any, n_evaluations: int) -> Raw:
        return estimated_values(result, n_evaluations)


def primitive(spec: PrimitiveSpec) -> Primitive:
    """Return the primitive that a backend's settings ask for."""
    return Shots(spec) if spec.resilience_level is None else Mitigated(spec)
