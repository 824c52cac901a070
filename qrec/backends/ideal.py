"""Aer's ideal primitives, given nothing that they would answer wrongly without a word."""

from collections.abc import Iterable

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import (
    BaseEstimatorV2,
    BaseSamplerV2,
    DataBin,
    PrimitiveJob,
    PrimitiveResult,
    PubResult,
    SamplerPubResult,
)
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike

from qrec.backends.checks import check_shots_for, checked, estimator_pubs, sampler_pubs
from qrec.backends.sampled import BOUND_RIGHTLY
from qrec.errors import ConfigError


class CheckedSampler(BaseSamplerV2):  # type: ignore[misc]
    """A sampler that binds parameters rightly in `BOUND_RIGHTLY` alone."""

    def __init__(self, sampler: BaseSamplerV2, shots: int) -> None:
        self._sampler, self._shots = sampler, shots

    def run(
        self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> PrimitiveJob[PrimitiveResult[SamplerPubResult]]:
        """Sample pubs; those that name no number of shots take that of the call or the backend.

        Raises ConfigError for a parameter in any other gate.
        """
        coerced = sampler_pubs(pubs, shots, self._shots)
        return self._sampler.run(
            [SamplerPub(_bindable(p.circuit), p.parameter_values, p.shots) for p in coerced]
        )


class CheckedEstimator(BaseEstimatorV2):  # type: ignore[misc]
    """An estimator by shots; nothing is run for a pub of no evaluation."""

    def __init__(self, estimator: BaseEstimatorV2, precision: float) -> None:
        self._estimator, self._precision = estimator, precision

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Estimate pubs; those that name no precision take that of the call or the backend."""
        coerced = estimator_pubs(pubs, precision, self._precision)
        check_shots_for(coerced)
        coerced = [
            EstimatorPub(checked([p.circuit])[0], p.observables, p.parameter_values, p.precision)
            for p in coerced
        ]
        job = PrimitiveJob(lambda: PrimitiveResult(self._estimated(coerced)))
        job._submit()
        return job

    def _estimated(self, pubs: list[EstimatorPub]) -> list[PubResult]:
        asked = [pub for pub in pubs if 0 not in pub.shape]
        found = iter(self._estimator.run(asked).result() if asked else [])
        return [_nothing(pub) if 0 in pub.shape else next(found) for pub in pubs]


def _nothing(pub: EstimatorPub) -> PubResult:
    none = np.empty(pub.shape)
    return PubResult(DataBin(evs=none, stds=none, shape=pub.shape))


def _bindable(circuit: QuantumCircuit) -> QuantumCircuit:
    [circuit] = checked([circuit])
    for instruction in circuit.data:
        name = instruction.operation.name
        if instruction.is_parameterized() and name not in BOUND_RIGHTLY:
            raise ConfigError(
                f"Qiskit Aer binds parameters of {name!r} wrongly; expected a circuit as the "
                "backend's pass_manager() gives it"
            )
    return circuit
