"""Dynamical decoupling: pulses that do nothing together, where a qubit waits.

Viola, Knill, Lloyd, PRL 82, 2417 (1999).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qiskit import QuantumCircuit
from qiskit.circuit.library import XGate
from qiskit.transpiler import PassManager, Target
from qiskit.transpiler.passes import (
    ALAPScheduleAnalysis,
    ConstrainedReschedule,
    FilterOpNodes,
    PadDynamicalDecoupling,
    TimeUnitConversion,
)

from qrec.backends.base import Backend
from qrec.backends.device.sources import scheduling
from qrec.backends.mitigation.base import Ask, Mitigation
from qrec.backends.mitigation.executed import as_executed
from qrec.backends.sampled import measure
from qrec.backends.workload import Reading, Workload
from qrec.errors import ConfigError


@dataclass(frozen=True)
class DynamicalDecoupling(Mitigation):
    """X - X in each wait that is long enough, by Qiskit's `PadDynamicalDecoupling`.

    It refocuses slow coherent errors, which a snapshot's model does not have: there relaxation
    has no memory, so that pulses can but share T1 decay between 0 and 1, at the price of their
    own errors. It needs a backend that schedules circuits, by `scheduling_method` or by the
    source ``idle``, and takes the place of its schedule: ALAP, a circuit's own delays left out.
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
    measured = measure(workload.circuit, *workload.observable_list)
    passes = PassManager(
        [
            FilterOpNodes(lambda node: node.op.name != "delay"),
            TimeUnitConversion(target=target),
            ALAPScheduleAnalysis(target=target),
            ConstrainedReschedule(target.acquire_alignment, target.pulse_alignment, target=target),
            PadDynamicalDecoupling(target=target, dd_sequence=[XGate(), XGate()]),
        ]
    )
    padded = passes.run(measured)
    circuit = QuantumCircuit(padded.num_qubits, global_phase=padded.global_phase)
    for instruction in padded.data:
        if instruction.operation.name != "measure":
            where = [padded.find_bit(qubit).index for qubit in instruction.qubits]
            circuit.append(instruction.operation, where)
    return replace(workload, circuit=circuit, key=f"{workload.key}/decoupled")
