"""Dynamical decoupling: pulses that do nothing together, where a qubit waits.

Viola, Knill, Lloyd, PRL 82, 2417 (1999).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import lcm

from qiskit.circuit import Delay, Operation
from qiskit.circuit.library import XGate
from qiskit.transpiler import Target

from qrec.backends.base import Backend
from qrec.backends.device.sources import scheduling
from qrec.backends.mitigation.base import Ask, Mitigation
from qrec.backends.mitigation.executed import as_executed
from qrec.backends.workload import Reading, Workload
from qrec.errors import ConfigError


@dataclass(frozen=True)
class DynamicalDecoupling(Mitigation):
    """X - X in each wait that is long enough: after a quarter of it and after three.

    The schedule stays; a qubit that was not used yet is left alone. It refocuses slow coherent
    errors, which a snapshot's model does not have: there relaxation has no memory, so that
    pulses can but share T1 decay between 0 and 1, at the price of their own errors. It needs a
    backend that schedules circuits, by `scheduling_method` or by the source ``idle``.
    """

    def readings(self, backend: Backend, workloads: Sequence[Workload], ask: Ask) -> list[Reading]:
        spec = backend.spec
        said = scheduling(*(getattr(spec, key, None) for key in ("noise", "scheduling_method")))
        if said is None or backend.target is None:
            raise ConfigError(
                f"backend {backend.name!r} schedules no waiting, so that decoupling has no place; "
                "expected scheduling_method: alap, or noise: {only: [..., idle]}"
            )
        executed = [as_executed(backend, workload) for workload in workloads]
        return list(ask(backend, [_decoupled(workload, backend.target) for workload in executed]))


def _decoupled(workload: Workload, target: Target) -> Workload:
    circuit, given = workload.circuit.copy_empty_like(), workload.circuit
    used: set[int] = set()
    for instruction in given.data:
        qubits = [given.find_bit(qubit).index for qubit in instruction.qubits]
        operation = instruction.operation
        if isinstance(operation, Delay) and operation.unit == "dt" and qubits[0] in used:
            for piece in _filled(operation.duration, qubits[0], target):
                circuit.append(piece, qubits)
            continue
        if not isinstance(operation, Delay):
            used.update(qubits)
        circuit.append(operation, qubits)
    return replace(workload, circuit=circuit, key=f"{workload.key}/decoupled")


def _filled(lasts: int, qubit: int, target: Target) -> Iterator[Operation]:
    """Yield what takes the place of a delay; pulses begin where the device can begin them."""
    step = lcm(target.acquire_alignment, target.pulse_alignment)
    pulse = round(target["x"][(qubit,)].duration / target.dt)
    quarter = (lasts - 2 * pulse) // 4 // step * step
    if quarter <= 0:
        yield Delay(lasts)
        return
    yield Delay(quarter)
    yield XGate()
    yield Delay(2 * quarter)
    yield XGate()
    yield Delay(lasts - 2 * pulse - 3 * quarter)
