"""Workloads as they are executed: transpiled, and not transpiled again."""

from qiskit import QuantumCircuit

from qrec.backends.base import Backend
from qrec.backends.workload import Workload


def as_executed(backend: Backend, workload: Workload) -> Workload:
    """Return a workload of the ISA circuit that a backend makes of this one, unmeasured.

    Its observables are on the ISA circuit's qubits, its columns those of parameters that are
    left. One that is executed as it is comes back as it is.
    """
    if workload.isa:
        return workload
    [unit] = backend.prepare([workload])
    circuit = _unmeasured(unit.circuit)
    left = set(circuit.parameters)
    columns = [i for i, p in enumerate(workload.circuit.parameters) if p in left]
    observables = unit.observables
    return Workload(
        circuit,
        observables if workload.is_joint else observables[0],
        workload.parameters[:, columns],
        workload.key,
        isa=True,
    )


def _unmeasured(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return what happens to the qubits before they are measured; without classical bits."""
    bare = QuantumCircuit(circuit.num_qubits, name=circuit.name, global_phase=circuit.global_phase)
    for instruction in circuit.data:
        if instruction.operation.name != "measure":
            qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
            bare.append(instruction.operation, qubits, copy=False)
    return bare
