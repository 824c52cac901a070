"""The circuits of a run on its page: what each costs, and the first of each form as pictures."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit

from qrec.analysis.circuit_drawing import draw_circuit
from qrec.analysis.figures import Figure
from qrec.analysis.table import Column, Table, build_table

Stage = Mapping[str, Any]  # a line of gates.csv: a circuit of a step on a backend, and its counts
_Circuit = dict[str, Stage]  # its lines, by stage
Read = Callable[[str, str, str], tuple[QuantumCircuit, QuantumCircuit]]  # step, backend, circuit

_MOST_DRAWN = 4
_MOST_LINES = 40
_COUNTED = ("qubits", "two_qubit_gates", "two_qubit_depth", "depth", "gates")


@dataclass(frozen=True, eq=False)
class RunCircuits:
    """What a page shows of a run's circuits."""

    gates: Table
    figures: Mapping[str, Figure]
    left_out: int  # forms of circuits that `figures` does not show


def run_circuits(stages: Sequence[Stage], read: Read) -> RunCircuits:
    """Return the costs of circuits, and the first of different gates drawn.

    They are drawn as written and, where one runs on a device, as that runs it. `read` returns
    the circuit that a line of `stages` names, logical and ISA.
    """
    circuits: dict[tuple[str, str, str], _Circuit] = {}
    for stage in stages:
        circuits.setdefault(_place(stage), {})[stage["stage"]] = stage
    alike: dict[str, list[_Circuit]] = {}
    for circuit in circuits.values():
        alike.setdefault(_cost(circuit["logical"]), []).append(circuit)
    figures: dict[str, Figure] = {}
    for number, group in enumerate(list(alike.values())[:_MOST_DRAWN], 1):
        first = group[0]["logical"]
        said = f"Circuit of step {first['step']} as it is written"
        figures[f"circuit{number}"] = _figure(said, read(*_place(first))[0])
        device = next((circuit["isa"] for circuit in group if _transpiled(circuit)), None)
        if device is not None:
            said = f"The circuit above, transpiled, as {device['backend']} runs it"
            figures[f"circuit{number}_isa"] = _figure(said, read(*_place(device))[1])
    return RunCircuits(
        _gates_table(list(circuits.values())), figures, max(0, len(alike) - _MOST_DRAWN)
    )


def _gates_table(circuits: Sequence[_Circuit]) -> Table:
    """Return a line for all circuits that cost the same."""
    lines: dict[str, Stage] = {}
    for circuit in circuits:
        logical, run = circuit["logical"], circuit["isa" if _transpiled(circuit) else "executed"]
        lines.setdefault(_cost(logical), logical)
        lines.setdefault(f"{run['backend']} {_cost(run)}", run)
    shown = list(lines.values())[:_MOST_LINES]
    notes = [
        "Each line stands for all circuits that cost the same, under the first step that asks "
        "one. logical: as written; isa: as the device runs it; executed: where there is no "
        "device, in gates u and cx. All of them are in gates.csv."
    ]
    if len(shown) < len(lines):
        notes.append(f"Left out here: {len(lines) - len(shown)} of {len(lines)} lines.")
    return build_table("Gates and depth", _COLUMNS, shown, notes)


def _place(stage: Stage) -> tuple[str, str, str]:
    return stage["step"], stage["backend"], stage["circuit"]


def _cost(stage: Stage) -> str:
    return json.dumps([stage[name] for name in ("stage", *_COUNTED)])


def _transpiled(circuit: _Circuit) -> bool:
    """Return whether a circuit runs on a device, in another form than it is written in."""
    logical, isa, executed = (circuit[stage]["gates"] for stage in ("logical", "isa", "executed"))
    return bool(isa == executed != logical)


def _figure(said: str, circuit: QuantumCircuit) -> Figure:
    canvas, left_out = draw_circuit(circuit)
    return Figure(f"{said}. Lines are qubits, time goes to the right.{left_out}", canvas)


def _names(stage: Stage) -> str:
    return ", ".join(f"{count} {name}" for name, count in stage["gates"].items())


_COLUMNS: list[Column[Stage]] = [
    Column("step", lambda stage: stage["step"], text=True),
    Column("backend", lambda s: None if s["stage"] == "logical" else s["backend"], text=True),
    Column("stage", lambda stage: stage["stage"], text=True),
    Column("qubits", lambda stage: stage["qubits"]),
    Column("2q gates", lambda stage: stage["two_qubit_gates"]),
    Column("2q depth", lambda stage: stage["two_qubit_depth"]),
    Column("depth", lambda stage: stage["depth"]),
    Column("gates", _names),
]
