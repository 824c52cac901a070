"""`kind: aer`: shots on Qiskit Aer, ideal or with a device's noise."""

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from qiskit import QuantumCircuit
from qiskit.primitives import BackendEstimatorV2, BaseEstimatorV2, BaseSamplerV2
from qiskit.transpiler import PassManager, Target, generate_preset_pass_manager
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_aer.primitives import EstimatorV2, SamplerV2

from qrec.backends.checks import guarded
from qrec.backends.device.noise import NoisyEstimator, NoisySampler
from qrec.backends.device.snapshots import Snapshot, SnapshotName, open_snapshot
from qrec.backends.device.sources import NoiseSpec, check_noise, scheduling
from qrec.backends.device.transpile import SchedulingMethod, Transpiler, check_scheduling
from qrec.backends.ideal import CheckedEstimator, CheckedSampler
from qrec.backends.sampled import BOUND_RIGHTLY, SampledBackend, SampledSpec


class AerSpec(SampledSpec):
    """Shots on Qiskit Aer: ideal, or with the target and noise of the device in `snapshot`.

    That is ``fake:FakeTorino``, ``file:PATH`` or ``live:ibm_fez``; of its noise what `noise`
    says, see `NoiseSpec`.
    """

    kind: Literal["aer"]
    name: str = "aer"
    seed_simulator: Annotated[int, Field(ge=0)]
    snapshot: SnapshotName | None = None
    scheduling_method: SchedulingMethod | None = None
    noise: NoiseSpec | None = None

    @model_validator(mode="after")
    def _scheduled_for_a_device(self) -> "AerSpec":
        check_scheduling(self.scheduling_method, self.snapshot)
        check_noise(self.noise, self.snapshot)
        return self


class AerBackend(SampledBackend):
    """Aer's own sampler: all parameter rows of a workload in one call.

    With a snapshot circuits are transpiled for its device and run under its noise.
    """

    Spec = AerSpec
    _spec: AerSpec

    @property
    def pinned(self) -> Snapshot | None:
        if self._pinned is None and self._spec.snapshot is not None:
            self._pinned = open_snapshot(self._spec.snapshot)
        return self._pinned

    @property
    def target(self) -> Target:
        return _ideal().target if self.pinned is None else self.pinned.device.target

    def pass_manager(self) -> PassManager:
        if self._transpiler is not None:
            return self._transpiler.pass_manager()
        passes = generate_preset_pass_manager(
            optimization_level=self._spec.optimization_level,
            basis_gates=BOUND_RIGHTLY,
            seed_transpiler=self._spec.seed_transpiler,
        )
        return guarded(passes)

    def snapshot(self) -> dict[str, Any]:
        device = {"device": _ideal().name} if self.pinned is None else {}
        return super().snapshot() | device

    def _make_estimator(self) -> BaseEstimatorV2:
        seed, precision = self._spec.seed_simulator, self.shots**-0.5
        if self.pinned is not None:
            noise = self._spec.noise
            return NoisyEstimator(self.pinned, seed=seed, precision=precision, noise=noise)
        options = {"default_precision": precision, "seed_simulator": seed}
        return CheckedEstimator(BackendEstimatorV2(backend=_ideal(), options=options), precision)

    def _make_sampler(self) -> BaseSamplerV2:
        sampler = super()._make_sampler()
        return CheckedSampler(sampler, self.shots) if self.pinned is None else sampler

    @property
    def _transpiler(self) -> Transpiler | None:
        spec = self._spec
        if self.pinned is None:
            return None
        return Transpiler(
            self.pinned,
            spec.optimization_level,
            spec.seed_transpiler,
            scheduling=scheduling(spec.noise, spec.scheduling_method),
        )

    def _transpiled(self, circuits: list[QuantumCircuit]) -> list[QuantumCircuit]:
        transpiler = self._transpiler
        return super()._transpiled(circuits) if transpiler is None else transpiler.run(circuits)

    def _sampler(self, seed: int | None) -> BaseSamplerV2:
        assert seed is not None  # AerSpec always has one
        if self.pinned is not None:
            noise = self._spec.noise
            return NoisySampler(self.pinned, seed=seed, shots=self.shots, noise=noise)
        return SamplerV2.from_backend(_ideal(), seed=seed)


def aer_estimator(precision: str = "double", noise: NoiseModel | None = None) -> BaseEstimatorV2:
    """Return Aer's own estimator on one thread: what the exact engine is compared with.

    Values are exact where precision 0 is asked of a run; with `noise` by density matrices.
    `precision` is that of the amplitudes, "single" or "double".
    """
    return EstimatorV2(options={"backend_options": _on_one_thread(precision, noise)})


def aer_sampler(precision: str = "double", noise: NoiseModel | None = None) -> BaseSamplerV2:
    """Return Aer's own sampler in the same way."""
    return SamplerV2(options={"backend_options": _on_one_thread(precision, noise)}, seed=1)


def _on_one_thread(precision: str, noise: NoiseModel | None) -> dict[str, Any]:
    options = {"method": "statevector", "precision": precision, "max_parallel_threads": 1}
    if noise is not None:
        options |= {"method": "density_matrix", "noise_model": noise}
    return options


@cache
def _ideal() -> AerSimulator:
    """Build the simulator once per process."""
    return AerSimulator(method="statevector")


BACKEND = AerBackend
