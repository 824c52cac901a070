"""`kind: aer`: shots on Qiskit Aer, ideal or with a device's noise."""

from functools import cache

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.transpiler import PassManager, generate_preset_pass_manager
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2, SamplerV2

from qrec.backends.devices import fake_device
from qrec.backends.sampled import SampledBackend
from qrec.config import AerSpec

# Aer 0.18.2 binds parameters of controlled rotations (crx, cry, crz, cp, cu) wrongly, without a
# word: https://github.com/Qiskit/qiskit-aer/issues/2323. So these are decomposed.
_BOUND_RIGHTLY = [
    *("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "ry", "rz", "p"),
    *("cx", "cy", "cz", "swap", "rxx", "ryy", "rzz", "rzx", "ccx", "ccz", "cswap"),
]


class AerBackend(SampledBackend):
    """Aer's own sampler: all parameter rows of a workload in one call."""

    def __init__(self, spec: AerSpec) -> None:
        super().__init__(spec, device=_simulator(spec.snapshot))
        self._spec: AerSpec = spec

    def pass_manager(self) -> PassManager:
        if self._spec.snapshot is not None:
            return super().pass_manager()
        return generate_preset_pass_manager(
            optimization_level=self._spec.optimization_level,
            basis_gates=_BOUND_RIGHTLY,
            seed_transpiler=self._spec.seed_transpiler,
        )

    def _seeded_sampler(self, seed: int) -> BaseSamplerV2:
        return SamplerV2.from_backend(self._device, seed=seed)


def aer_estimator(snapshot: str | None = None, precision: str = "double") -> BaseEstimatorV2:
    """Return Aer's own estimator on one thread: what the exact engine is compared with.

    Values are exact where precision 0 is asked of a run; with `snapshot` under that device's
    noise, by density matrices. `precision` is that of the amplitudes, "single" or "double".
    """
    options = {"method": "statevector", "precision": precision, "max_parallel_threads": 1}
    if snapshot is not None:
        noise = _simulator(snapshot).options.noise_model
        options |= {"method": "density_matrix", "noise_model": noise}
    return EstimatorV2(options={"backend_options": options})


@cache
def _simulator(snapshot: str | None) -> AerSimulator:
    """Build the simulator once per process: a big device's noise model takes seconds."""
    if snapshot is None:
        return AerSimulator(method="statevector")
    return AerSimulator.from_backend(fake_device(snapshot), method="density_matrix")
