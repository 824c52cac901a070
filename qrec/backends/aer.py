"""`kind: aer`: shots on Qiskit Aer, ideal or with a device's noise."""

from functools import cache

from qiskit.primitives import BaseSamplerV2
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2

from qrec.backends.devices import fake_device
from qrec.backends.sampled import SampledBackend
from qrec.config import AerSpec


class AerBackend(SampledBackend):
    """Aer's own sampler: all parameter rows of a workload in one call."""

    def __init__(self, spec: AerSpec) -> None:
        super().__init__(spec, device=_simulator(spec.snapshot))

    def _seeded_sampler(self, seed: int) -> BaseSamplerV2:
        return SamplerV2.from_backend(self._device, seed=seed)


@cache
def _simulator(snapshot: str | None) -> AerSimulator:
    """Build the simulator once per process: a big device's noise model takes seconds."""
    if snapshot is None:
        return AerSimulator(method="statevector")
    return AerSimulator.from_backend(fake_device(snapshot), method="density_matrix")
