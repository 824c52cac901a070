"""Which of a device's noise is modelled, and how strong: the one place that decides it.

Qiskit Aer (`device/noise.py`) and the exact engine (`exact/read/noise.py`) both take what
`modelled` gives and read it in the same way, so that they cannot disagree. Circuits are
transpiled for the device as it is, whatever is modelled: all settings see the same circuit.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field
from qiskit.circuit import Gate, Operation
from qiskit.transpiler import InstructionProperties, QubitProperties, Target

from qrec.backends.device.compact import timing_of
from qrec.backends.device.snapshots import Snapshot
from qrec.backends.device.target import ReadoutProperties
from qrec.backends.device.transpile import SchedulingMethod
from qrec.config import Spec

Source = Literal["readout", "one_qubit", "two_qubit", "idle"]
_MEASUREMENTS = "measure"


class NoiseSpec(Spec):
    """The sources of a device's noise that stay, and a factor on their strength.

    `only` names the sources; ``[]`` leaves the device's gate set and coupling map alone.

    - ``readout``: a measured bit is misread.
    - ``one_qubit``, ``two_qubit``: what follows an operation on one qubit (a reset too), and on
      two: depolarising noise, and the thermal relaxation of its qubits while it lasts.
    - ``idle``: thermal relaxation of qubits in a delay. Named in `only`, circuits are scheduled
      (``alap`` unless the backend's `scheduling_method` says otherwise), so that qubits which
      wait do so in a delay. Not named, a delay changes nothing.

    Without `only` it is what the backend models without the key: the first three, and the
    relaxation of such delays as the circuit has.

    `scale` multiplies rates; 1 is the device to the last bit and 0 no noise at all.

    - depolarising: the probability, at most 1, which is complete. It is the part of the gate's
      reported error that its relaxation does not explain; where relaxation explains all of it
      there is none at any scale.
    - relaxation: 1/T1 and 1/T2, which is as if all lasted `scale` times as long; T2 counts as at
      most 2 T1 before. Circuits are scheduled by the device's durations.
    - readout: both probabilities to misread, each at most .5, when the bit says nothing.

    A device's own figure beyond such a bound stays as it is where it would be cut.
    """

    only: tuple[Source, ...] | None = None
    scale: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0

    def has(self, source: Source) -> bool:
        """Return whether a source stays."""
        return self.scale > 0 and (self.only is None or source in self.only)


@dataclass(frozen=True)
class Modelled:
    """What is modelled of a device's noise.

    `target` has the device's instructions with the errors and durations that count, T1 and T2
    such that relaxation in a duration follows; `delays` is whether qubits relax in delays.
    """

    target: Target
    delays: bool


def check_noise(noise: NoiseSpec | None, snapshot: str | None) -> None:
    """Raise ValueError where a backend's settings choose from the noise of no device."""
    if noise is not None and snapshot is None:
        raise ValueError("noise has no meaning without snapshot")


def scheduling(noise: NoiseSpec | None, method: SchedulingMethod | None) -> SchedulingMethod | None:
    """Return how circuits are scheduled: as is said, or as the source ``idle`` needs it."""
    wanted = noise is not None and noise.only is not None and "idle" in noise.only
    return method or ("alap" if wanted else None)


@lru_cache(maxsize=64)
def modelled(snapshot: Snapshot, noise: NoiseSpec | None = None) -> Modelled:
    """Return what is modelled of a snapshot's noise; None is all of it, as it is."""
    target = snapshot.device.target
    if noise is None:
        return Modelled(target, delays=True)
    qubits = target.qubit_properties
    made = Target(
        num_qubits=target.num_qubits,
        qubit_properties=qubits and [_relaxing(qubit, noise.scale) for qubit in qubits],
        **timing_of(target),
    )
    for name in target.operation_names:
        operation = target.operation_from_name(name)
        everywhere = target[name]
        # Control flow is said to be on any qubits, with no error and no duration.
        whole = None in everywhere
        made.add_instruction(
            operation, None if whole else dict(_counting(target, name, noise)), name=name
        )
    return Modelled(made, delays=noise.has("idle"))


def depolarising_probability(error: float, fidelity: float, n_qubits: int) -> float:
    """Return p of the depolarising channel, (1 - p) rho + p I/d, before relaxation.

    Together they have the average gate error `error`, relaxation alone the average fidelity
    `fidelity`: error = 1 - fidelity + p (d fidelity - 1)/d, as Qiskit Aer reads a device; 0
    where relaxation alone explains it. Larger than physical counts as the largest.
    """
    d: int = 2**n_qubits
    if error <= 1 - fidelity:
        return 0.0
    probability = d * (min(error, d / (d + 1)) - (1 - fidelity)) / (d * fidelity - 1)
    return min(probability, d**2 / (d**2 - 1))


def _counting(
    target: Target, name: str, noise: NoiseSpec
) -> Iterator[tuple[tuple[int, ...], InstructionProperties | None]]:
    """Yield an operation's qubits, and what counts of its properties there."""
    operation = target.operation_from_name(name)
    for qubits, known in target[name].items():
        if known is None:
            yield qubits, None
        elif name == _MEASUREMENTS:
            yield qubits, _misreading(known, noise)
        elif not noise.has("one_qubit" if len(qubits) == 1 else "two_qubit"):
            yield qubits, InstructionProperties()
        else:
            error = _scaled_error(target, operation, qubits, noise.scale)
            yield qubits, InstructionProperties(known.duration, error)


def _misreading(known: ReadoutProperties, noise: NoiseSpec) -> ReadoutProperties:
    scale = noise.scale if noise.has("readout") else 0.0
    error, one, zero = (
        None if p is None else _scaled(p, scale, 0.5)
        for p in (known.error, known.prob_meas1_prep0, known.prob_meas0_prep1)
    )
    return ReadoutProperties(known.duration, error, one or 0.0, zero or 0.0)


def _relaxing(qubit: QubitProperties | None, scale: float) -> QubitProperties | None:
    if qubit is None or scale in (0.0, 1.0):  # at 0 no duration is left
        return qubit
    t1, t2 = (None if t is None else t / scale for t in (qubit.t1, qubit.t2))
    return QubitProperties(t1, t2, qubit.frequency)


def _scaled_error(
    target: Target, operation: Operation, qubits: tuple[int, ...], scale: float
) -> float | None:
    """Return the average gate error that has the scaled depolarising noise and relaxation."""
    known = target[operation.name][qubits]
    error: float | None = known.error
    if scale == 1.0 or not error or not isinstance(operation, Gate):
        return error
    d: int = 2 ** len(qubits)
    before = _relaxed_fidelity(target, qubits, known.duration)
    after = _relaxed_fidelity(target, qubits, (known.duration or 0.0) * scale)
    probability = depolarising_probability(error, before, len(qubits))
    return 1 - after + _scaled(probability, scale, 1.0) * (d * after - 1) / d


def _relaxed_fidelity(target: Target, qubits: tuple[int, ...], seconds: float | None) -> float:
    """Return the average gate fidelity of relaxation alone."""
    if not seconds or not target.qubit_properties:
        return 1.0
    d: int = 2 ** len(qubits)
    process = 1.0
    for qubit in qubits:
        t1, t2 = relaxation_times(target, qubit)
        process *= (1 + 2 * math.exp(-seconds / t2) + math.exp(-seconds / t1)) / 4
    return (d * process + 1) / (d + 1)


def relaxation_times(target: Target, qubit: int) -> tuple[float, float]:
    """Return T1 and T2 of a qubit in seconds, T2 at most 2 T1; one not known is infinite."""
    t1 = target.qubit_properties[qubit].t1 or math.inf
    return t1, min(target.qubit_properties[qubit].t2 or math.inf, 2 * t1)


def _scaled(probability: float, scale: float, most: float) -> float:
    """Return a probability times a factor, cut at `most` unless it was above that before."""
    return min(probability * scale, max(probability, most))
