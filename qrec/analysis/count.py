"""What a circuit costs: qubits, depth, gates."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction
from qiskit.transpiler import PassManager, generate_preset_pass_manager

from qrec.analysis.fidelity import expected_r2, success_probability
from qrec.analysis.table import Column, Table, build_table
from qrec.backends.base import Backend, Unit
from qrec.errors import ConfigError
from qrec.types import Row

_NO_GATES = ("measure", "barrier", "delay")


@dataclass(frozen=True, kw_only=True)
class CircuitCost(Row):
    """What a circuit costs as it is written ("logical"), lowered ("u + cx"), or on a target."""

    KEY: ClassVar[tuple[str, ...]] = ("circuit", "target")
    VALUES: ClassVar[tuple[str, ...]] = ("qubits", "depth", "two_qubit_depth", "two_qubit_gates")

    circuit: str
    target: str
    qubits: int
    depth: int
    two_qubit_depth: int
    two_qubit_gates: int
    gates: dict[str, int]
    fidelity: float | None = None  # on a device: `expected_r2`


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


def count_rows(
    circuits: dict[str, QuantumCircuit], targets: Sequence[Backend]
) -> list[CircuitCost]:
    """Return the cost of each circuit as it is written, lowered, and on each target."""
    rows = []
    for name, circuit in circuits.items():
        stages = {"logical": circuit, "u + cx": lowered(circuit)}
        rows += [CircuitCost(circuit=name, target=at, **count(c)) for at, c in stages.items()]
        for target in targets:
            isa = _on(target, circuit)
            expected = _fidelity(target, isa)
            cost = CircuitCost(circuit=name, target=target.name, **count(isa), fidelity=expected)
            rows.append(cost)
    return rows


def count_table(rows: Sequence[CircuitCost]) -> Table:
    """Return the costs as a table."""
    columns: list[Column[CircuitCost]] = [
        Column("circuit", lambda row: row.circuit, text=True),
        Column("target", lambda row: row.target, text=True),
        Column("qubits", lambda row: row.qubits),
        Column("depth", lambda row: row.depth),
        Column("2q depth", lambda row: row.two_qubit_depth),
        Column("2q gates", lambda row: row.two_qubit_gates),
        Column("gates", lambda row: " ".join(f"{gate}:{n}" for gate, n in row.gates.items())),
    ]
    notes = []
    if any(row.fidelity is not None for row in rows):
        columns.insert(-1, Column("fidelity", lambda row: row.fidelity, "{:.3f}"))
        notes = [
            "fidelity: expected R^2 of the outcome probabilities, 1 - (1 - p)^2 with p the product "
            "of (1 - error) of gates and read-outs; of all qubits, where none is measured."
        ]
    notes = [
        "logical: as written; u + cx: in these gates, all qubits connected; others: transpiled to "
        "the target. Measurements and barriers are left out.",
        *notes,
    ]
    return build_table("Cost of circuits", columns, rows, notes)


def _on(target: Backend, circuit: QuantumCircuit) -> QuantumCircuit:
    there = target.target and target.target.num_qubits
    if there is not None and circuit.num_qubits > there:
        raise ConfigError(
            f"circuit {circuit.name!r} has {circuit.num_qubits} qubits, {target.name} has {there}"
        )
    manager = target.pass_manager()
    return circuit if manager is None else manager.run(circuit)


def _fidelity(backend: Backend, isa: QuantumCircuit) -> float | None:
    """Return what is expected of a device's outcomes; None where the target is no device.

    What the circuit measures is read out, all qubits where it measures none.
    """
    target = backend.target
    if target is None or target.build_coupling_map() is None:
        return None
    measured = [] if "measure" in isa.count_ops() else isa.layout.final_index_layout()
    return expected_r2(success_probability(isa, target, measured))


@cache
def _lowering() -> PassManager:
    return generate_preset_pass_manager(
        optimization_level=1, basis_gates=["u", "cx"], seed_transpiler=0
    )


def _is_gate(instruction: CircuitInstruction) -> bool:
    return instruction.operation.name not in _NO_GATES


def _is_entangling(instruction: CircuitInstruction) -> bool:
    return _is_gate(instruction) and len(instruction.qubits) >= 2
