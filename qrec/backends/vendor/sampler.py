"""A vendor's backend as Qiskit's sampler, in this process or in one of its own."""

import math
from collections.abc import Callable, Iterable

from qiskit.primitives import (
    BaseSamplerV2,
    BitArray,
    DataBin,
    PrimitiveJob,
    PrimitiveResult,
    SamplerPubLike,
    SamplerPubResult,
)
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qrec.backends.checks import sampler_pubs
from qrec.backends.vendor.results import Bits, Pub


class VendorSampler(BaseSamplerV2):  # type: ignore[misc]  # qiskit has no types for mypy
    """A sampler of ISA circuits, made of a function that runs one PUB with so many shots."""

    def __init__(self, run: Callable[[Pub, int], Bits], default_shots: int) -> None:
        self._run_pub = run
        self._default_shots = default_shots

    def run(
        self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> PrimitiveJob[PrimitiveResult[SamplerPubResult]]:
        """Run PUBs; those that name no number of shots take `shots`."""
        job = PrimitiveJob(self._run, sampler_pubs(pubs, shots, self._default_shots))
        job._submit()
        return job

    def _run(self, pubs: list[SamplerPub]) -> PrimitiveResult[SamplerPubResult]:
        return PrimitiveResult([self._one(pub) for pub in pubs])

    def _one(self, pub: SamplerPub) -> SamplerPubResult:
        parameters, shape = list(pub.circuit.parameters), pub.parameter_values.shape
        rows = pub.parameter_values.as_array(parameters)
        rows = rows.reshape(math.prod(shape), len(parameters))
        found = self._run_pub((pub.circuit, [p.name for p in parameters], rows), pub.shots)
        data = {
            register.name: BitArray(
                found[register.name].reshape(*shape, pub.shots, -1), register.size
            )
            for register in pub.circuit.cregs
        }
        return SamplerPubResult(DataBin(**data, shape=shape), {"shots": pub.shots})
