"""The exact engine as Qiskit's sampler primitive: shots drawn from the exact distribution."""

from collections.abc import Iterable, Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Barrier, ClassicalRegister, Clbit, Measure
from qiskit.primitives import (
    BaseSamplerV2,
    BitArray,
    DataBin,
    PrimitiveJob,
    PrimitiveResult,
    SamplerPubResult,
)
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike

from qrec.backends.checks import sampler_pubs
from qrec.backends.exact.probabilities import probabilities
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.question import Device, Question
from qrec.errors import ConfigError

_ROWS_AT_ONCE = 64  # random numbers of so many rows are held at once


class ExactSampler(BaseSamplerV2):  # type: ignore[misc]
    """Independent shots from the exact outcome probabilities.

    Pub number i of a call draws from the stream of (`seed`, i), so that a call can be
    repeated. Circuits measure at their end, once per qubit. With `noise` they are those of a
    device, and read-out errors count. `shots` is the count of pubs that name none. Raises
    ConfigError for measurements in mid-circuit.
    """

    def __init__(
        self,
        *,
        seed: int,
        noise: DeviceNoise | None = None,
        shots: int | None = None,
        device: Device = "cpu",
    ) -> None:
        self._seed, self._noise, self._shots, self._device = seed, noise, shots, device

    def run(
        self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> PrimitiveJob[PrimitiveResult[SamplerPubResult]]:
        """Sample pubs; each needs a shot count of its own, that of the call or the sampler's."""
        coerced = sampler_pubs(pubs, shots, self._shots)
        job = PrimitiveJob(
            lambda: PrimitiveResult([self._sample(i, pub) for i, pub in enumerate(coerced)])
        )
        job._submit()
        return job

    def _sample(self, number: int, pub: SamplerPub) -> SamplerPubResult:
        gates, qubit_of = split_measurements(pub.circuit)
        clbits = [c for register in pub.circuit.cregs for c in register if c in qubit_of]
        measured = [qubit_of[c] for c in clbits]
        rows = pub.parameter_values.as_array(pub.circuit.parameters)
        flat = rows.reshape(prod(rows.shape[:-1]), rows.shape[-1])
        question = Question(gates, [], pub.circuit.parameters, self._noise, device=self._device)
        chances = probabilities(question, measured, flat)
        rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(number,)))
        bits = _draw(chances, pub.shots, rng, [_packed(r, clbits) for r in pub.circuit.cregs])
        data = {
            register.name: BitArray(found, len(register)).reshape(*rows.shape[:-1])
            for register, found in zip(pub.circuit.cregs, bits, strict=True)
        }
        return SamplerPubResult(DataBin(**data, shape=rows.shape[:-1]))


def _packed(register: ClassicalRegister, clbits: Sequence[Clbit]) -> NDArray[np.uint8]:
    """Return a register's bytes at each outcome, bit j of an outcome being ``clbits[j]``."""
    outcomes = np.arange(2 ** len(clbits))
    out = np.zeros((len(outcomes), -(-len(register) // 8)), np.uint8)
    for place, clbit in enumerate(register):
        if clbit in clbits:
            bit = (outcomes >> clbits.index(clbit) & 1).astype(np.uint8)
            out[:, -1 - place // 8] |= bit << place % 8  # big-endian bytes
    return out


def split_measurements(circuit: QuantumCircuit) -> tuple[QuantumCircuit, dict[object, int]]:
    """Return a circuit's gates alone, and which qubit each classical bit reads in the end."""
    gates = circuit.copy_empty_like()  # keeps the layout
    qubit_of: dict[object, int] = {}
    measured: set[object] = set()
    for instruction in circuit.data:
        if instruction.operation.base_class is Barrier:
            continue
        if measured & set(instruction.qubits):
            raise ConfigError(
                f"{instruction.operation.name!r} follows a measurement of its qubit; the exact "
                "backend measures at the end alone (an aer backend measures anywhere)"
            )
        if instruction.operation.base_class is Measure:
            measured |= set(instruction.qubits)
            qubit_of[instruction.clbits[0]] = circuit.find_bit(instruction.qubits[0]).index
        else:
            gates.append(instruction)
    return gates, qubit_of


def _draw(
    chances: NDArray[np.float64],
    shots: int,
    rng: np.random.Generator,
    packed: Sequence[NDArray[np.uint8]],
) -> list[NDArray[np.uint8]]:
    """Return the bytes of outcomes drawn by `chances` (n_rows, n_outcomes), for each register.

    `packed` holds a register's bytes `(n_outcomes, n_bytes)`, the answer `(n_rows, shots,
    n_bytes)`.
    """
    out = [np.empty((len(chances), shots, p.shape[1]), np.uint8) for p in packed]
    edges = np.cumsum(chances, axis=1)
    edges /= edges[:, -1:]
    for start in range(0, len(chances), _ROWS_AT_ONCE):
        some = edges[start : start + _ROWS_AT_ONCE]
        uniform = rng.random((len(some), shots))
        if chances.shape[1] == 2:
            outcomes = (uniform >= some[:, :1]).view(np.uint8)
        else:
            drawn = [
                np.searchsorted(e, u, side="right") for e, u in zip(some, uniform, strict=True)
            ]
            outcomes = np.array(drawn)
        for place, table in zip(out, packed, strict=True):
            np.take(table, outcomes, axis=0, out=place[start : start + len(some)], mode="clip")
    return out
