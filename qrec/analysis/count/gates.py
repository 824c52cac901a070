"""Gates, layers and read-outs of one circuit."""

from functools import cache
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction
from qiskit.transpiler import PassManager, generate_preset_pass_manager

from qrec.backends.base import Backend, Unit

_NO_GATES = ("measure", "barrier", "delay")


def count(circuit: QuantumCircuit) -> dict[str, Any]:
    """Return qubits that gates act on, depth, two-qubit depth and the count of each gate.

    Measurements, barriers and delays are no gates. `two_qubit_gates` and `two_qubit_depth`
    count gates on two or more qubits, which in a lowered circuit are gates on exactly two.
    """
    gates = [i for i in circuit.data if _is_gate(i)]
    names = [i.operation.name for i in gates]
    return {
        "qubits": len({qubit for i in gates for qubit in i.qubits}),
        "depth": circuit.depth(_is_gate),
        "two_qubit_depth": circuit.depth(_is_entangling),
        "two_qubit_gates": sum(map(_is_entangling, gates)),
        "gates": {name: names.count(name) for name in sorted(set(names))},
    }


def count_by_width(circuit: QuantumCircuit) -> dict[str, int]:
    """Return how many gates act on one qubit, on two and on more.

    A gate on no qubit, a global phase, is none of them.
    """
    widths = [len(i.qubits) for i in circuit.data if _is_gate(i)]
    return {
        "one_qubit_gates": widths.count(1),
        "two_qubit_gates": widths.count(2),
        "more_qubit_gates": sum(width > 2 for width in widths),
    }


def lowered(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit in gates on one and two qubits (u and cx), any pair connected."""
    return _lowering().run(circuit)


def executed_circuit(backend: Backend, unit: Unit) -> QuantumCircuit:
    """Return the circuit whose cost a row shows.

    On a device, or a simulator of one, it is the ISA circuit. Elsewhere any gate runs as it
    is, CSWAP too, so the logical circuit is lowered: its cost does not hang on a simulator.
    """
    if backend.target is not None and backend.target.build_coupling_map() is not None:
        return unit.circuit
    return lowered(unit.workload.circuit)


@cache
def _lowering() -> PassManager:
    return generate_preset_pass_manager(
        optimization_level=1, basis_gates=["u", "cx"], seed_transpiler=0
    )


def _is_gate(instruction: CircuitInstruction) -> bool:
    return instruction.operation.name not in _NO_GATES


def _is_entangling(instruction: CircuitInstruction) -> bool:
    return _is_gate(instruction) and len(instruction.qubits) >= 2
