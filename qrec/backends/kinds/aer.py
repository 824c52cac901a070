"""`kind: aer`: shots on Qiskit Aer, ideal or with a device's noise."""

from functools import cache
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives import BackendEstimatorV2, BaseEstimatorV2, BaseSamplerV2
from qiskit.transpiler import PassManager, Target, generate_preset_pass_manager
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_aer.primitives import EstimatorV2, SamplerV2

from qrec.backends.device.noise import NoisyEstimator, NoisySampler
from qrec.backends.device.snapshots import Snapshot, open_snapshot
from qrec.backends.device.transpile import Transpiler
from qrec.backends.sampled import SampledBackend
from qrec.config import AerSpec

# Aer 0.18.2 binds parameters of controlled rotations (crx, cry, crz, cp, cu) wrongly, without a
# word: https://github.com/Qiskit/qiskit-aer/issues/2323. So these are decomposed.
_BOUND_RIGHTLY = [
    *("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "ry", "rz", "p"),
    *("cx", "cy", "cz", "swap", "rxx", "ryy", "rzz", "rzx", "ccx", "ccz", "cswap"),
]


class AerBackend(SampledBackend):
    """Aer's own sampler without noise: all parameter rows of a workload in one call."""

    @property
    def target(self) -> Target:
        return _ideal().target

    def pass_manager(self) -> PassManager:
        return generate_preset_pass_manager(
            optimization_level=self._spec.optimization_level,
            basis_gates=_BOUND_RIGHTLY,
            seed_transpiler=self._spec.seed_transpiler,
        )

    def estimator(self) -> BaseEstimatorV2:
        options = {
            "default_precision": self.shots**-0.5,
            "seed_simulator": self._spec.seed_simulator,
        }
        return BackendEstimatorV2(backend=_ideal(), options=options)

    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | {"device": _ideal().name}

    def _sampler(self, seed: int | None) -> BaseSamplerV2:
        return SamplerV2.from_backend(_ideal(), seed=seed)


class NoisyAerBackend(SampledBackend):
    """Circuits transpiled for the device of a snapshot, under its noise."""

    _spec: AerSpec

    def __init__(self, spec: AerSpec, source: str) -> None:
        super().__init__(spec)
        self._source = source

    @property
    def pinned(self) -> Snapshot:
        if self._pinned is None:
            self._pinned = open_snapshot(self._source)
        return self._pinned

    @property
    def target(self) -> Target:
        return self.pinned.device.target

    def pass_manager(self) -> PassManager:
        return self._transpiler.pass_manager()

    def estimator(self) -> BaseEstimatorV2:
        return NoisyEstimator(
            self.pinned, seed=self._spec.seed_simulator, precision=self.shots**-0.5
        )

    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | {"snapshot": self.pinned.summary()}

    @property
    def _transpiler(self) -> Transpiler:
        spec = self._spec
        return Transpiler(
            self.pinned,
            spec.optimization_level,
            spec.seed_transpiler,
            scheduling=spec.scheduling_method,
        )

    def _transpiled(self, circuits: list[QuantumCircuit]) -> list[QuantumCircuit]:
        return self._transpiler.run(circuits)

    def _sampler(self, seed: int | None) -> BaseSamplerV2:
        assert seed is not None  # AerSpec always has one
        return NoisySampler(self.pinned, seed=seed, shots=self.shots)


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
