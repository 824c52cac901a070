"""A device's noise on Qiskit Aer, simulated on the qubits in use alone.

Aer reads a noise model of all qubits once for a device and again in every call: seconds for a
big one. Here each circuit is cut first, and so is its device.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
from qiskit.primitives import (
    BackendEstimatorV2,
    BaseEstimatorV2,
    BaseSamplerV2,
    PrimitiveJob,
    PrimitiveResult,
    PubResult,
    SamplerPubResult,
)
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_aer.noise.device import basic_device_gate_errors, basic_device_readout_errors
from qiskit_aer.primitives import SamplerV2

from qrec.backends.checks import check_shots_for, estimator_pubs, sampler_pubs
from qrec.backends.device.compact import compact, cut_target
from qrec.backends.device.snapshots import Snapshot
from qrec.backends.device.sources import NoiseSpec, modelled
from qrec.backends.device.target import Device, check_isa


class NoisySampler(BaseSamplerV2):  # type: ignore[misc]
    """Shots of circuits for a snapshot's device, by Aer's own sampler.

    `noise` is what is modelled, see `NoiseSpec`; None all of it. Pub number i of a call has the
    seed `seed` + i, so that its shots hang on no other pub.
    """

    def __init__(
        self, snapshot: Snapshot, *, seed: int, shots: int, noise: NoiseSpec | None = None
    ) -> None:
        self._snapshot, self._seed, self._shots, self._noise = snapshot, seed, shots, noise

    def run(
        self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> PrimitiveJob[PrimitiveResult[SamplerPubResult]]:
        """Sample pubs; one without a shot count takes that of the call, or of this sampler."""
        coerced = sampler_pubs(pubs, shots, self._shots)
        return _job(lambda: [self._sample(pub, self._seed + i) for i, pub in enumerate(coerced)])

    def _sample(self, pub: SamplerPub, seed: int) -> SamplerPubResult:
        check_isa(pub.circuit, self._snapshot.device.target, self._snapshot.name)
        circuit, _, qubits = compact(pub.circuit)
        aer = simulator(self._snapshot, qubits, self._noise)
        sampler = SamplerV2.from_backend(aer, seed=seed)
        return sampler.run([SamplerPub(circuit, pub.parameter_values, pub.shots)]).result()[0]


class NoisyEstimator(BaseEstimatorV2):  # type: ignore[misc]
    """Expectation values of circuits for a snapshot's device, by Qiskit's `BackendEstimatorV2`.

    Seeds are those of `NoisySampler`. Observables have the circuit's layout applied.
    """

    def __init__(
        self, snapshot: Snapshot, *, seed: int, precision: float, noise: NoiseSpec | None = None
    ) -> None:
        self._snapshot, self._noise = snapshot, noise
        self._seed, self._precision = seed, precision

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Estimate pubs; one without a precision takes that of the call, or of this estimator."""
        coerced = estimator_pubs(pubs, precision, self._precision)
        check_shots_for(coerced)
        return _job(lambda: [self._estimate(pub, self._seed + i) for i, pub in enumerate(coerced)])

    def _estimate(self, pub: EstimatorPub, seed: int) -> PubResult:
        check_isa(pub.circuit, self._snapshot.device.target, self._snapshot.name)
        observables = np.asarray(pub.observables.sparse_observables_array(), dtype=object)
        circuit, cut, qubits = compact(pub.circuit, observables.ravel())
        estimator = BackendEstimatorV2(
            backend=simulator(self._snapshot, qubits, self._noise),
            options={"seed_simulator": seed},
        )
        array = ObservablesArray(cut).reshape(observables.shape)
        small = EstimatorPub(circuit, array, pub.parameter_values, pub.precision)
        return estimator.run([small]).result()[0]


@lru_cache(maxsize=64)
def simulator(
    snapshot: Snapshot, qubits: tuple[int, ...], noise: NoiseSpec | None = None
) -> AerSimulator:
    """Return Aer with the noise of these qubits of a device, numbered from 0 in their order."""
    counting = modelled(snapshot, noise)
    device = Device(snapshot.name, cut_target(counting.target, qubits))
    errors = {} if counting.delays else {"noise_model": _without_delays(device)}
    return AerSimulator.from_backend(device, method="density_matrix", **errors)


def _without_delays(device: Device) -> NoiseModel:
    """Return `NoiseModel.from_backend` without what follows a delay."""
    model = NoiseModel(basis_gates=device.operation_names)
    for qubits, error in basic_device_readout_errors(target=device.target):
        model.add_readout_error(error, qubits)
    for name, qubits, error in basic_device_gate_errors(target=device.target):
        model.add_quantum_error(error, name, qubits)
    return model


def _job(
    evaluate: Callable[[], list[PubResult]],
) -> PrimitiveJob[PrimitiveResult[PubResult]]:
    job = PrimitiveJob(lambda: PrimitiveResult(evaluate(), metadata={"version": 2}))
    job._submit()
    return job
