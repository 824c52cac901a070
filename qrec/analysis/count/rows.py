"""The rows: one for each circuit, size, target and stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import qiskit
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import ControlFlowOp
from qiskit.transpiler import Target

from qrec.analysis.count.clifford_t import clifford_t, t_count, t_depth
from qrec.analysis.count.gates import count, count_by_width, lowered
from qrec.analysis.count.places import Place
from qrec.analysis.fidelity import expected_r2, success_probability
from qrec.errors import ConfigError
from qrec.types import Row

PRECISION = 1e-10  # of a rotation in Clifford gates and T
Size = Mapping[str, int | float | str]


@dataclass(frozen=True, kw_only=True)
class CircuitCost(Row):
    """What a circuit costs: as it is written, lowered to u and cx, or transpiled to a target.

    `rank` is best, median or worst where several `seed` were tried. `two_qubit_depth` counts
    layers of gates on two or more qubits. What a circuit measures is read out, all its qubits
    where it measures none. Times are in seconds.
    """

    KEY: ClassVar[tuple[str, ...]] = ("circuit", "size", "target", "stage", "rank")
    VALUES: ClassVar[tuple[str, ...]] = ("qubits", "depth", "two_qubit_depth", "two_qubit_gates")

    circuit: str
    size: dict[str, Any]  # swept argument -> its value
    target: str | None  # None for stages "logical" and "lowered"
    stage: str  # "logical", "lowered" (u + cx) or "isa"
    level: int | None = None  # of the transpiler
    seed: int | None = None
    rank: str | None = None
    qubits: int  # that gates act on
    one_qubit_gates: int
    two_qubit_gates: int
    more_qubit_gates: int
    depth: int
    two_qubit_depth: int
    measurements: int
    duration: float | None = None  # None where the target does not know how long its gates take
    success_probability: float | None = None  # None where it knows no errors
    expected_r2: float | None = None  # 1 - (1 - success_probability)^2
    qpu_seconds: float | None = None  # of the shots asked about, with the pauses between them
    t_count: int | None = None  # of the logical circuit in Clifford gates and T
    t_depth: int | None = None
    precision: float | None = None  # of its rotations
    calibrated: str | None = None  # when the target's errors and times were measured
    qiskit: str = field(default_factory=lambda: qiskit.__version__)
    gates: dict[str, int]


def count_rows(
    circuits: Sequence[tuple[str, Size, QuantumCircuit]],
    places: Sequence[Place],
    n_seeds: int = 1,
    precision: float = PRECISION,
    shots: int | None = None,
) -> list[CircuitCost]:
    """Return the cost of each circuit, which comes with its name and size, at every stage.

    With several seeds the best, the median (the worse of two middle ones) and the worst circuit
    on each target: by success probability where its errors are known, else by two-qubit gates
    and depth. With `shots` also the QPU time they take, without that of starting a job.
    Raises ConfigError for a circuit wider than a target, and for one with control flow.
    """
    rows = []
    for name, size, circuit in circuits:
        _check_straight(name, circuit)
        by_t = clifford_t(circuit, precision)
        t = {"t_count": t_count(by_t), "t_depth": t_depth(by_t), "precision": precision}
        for stage, each in {"logical": circuit, "lowered": lowered(circuit)}.items():
            said = t if stage == "logical" else {}
            cost = _cost(read_out(each)) | said
            rows.append(
                CircuitCost(circuit=name, size=dict(size), target=None, stage=stage, **cost)
            )
        for place in places:
            known = {"circuit": name, "size": dict(size)}
            rows += _isa_rows(known, place, circuit, n_seeds, shots)
    return rows


def read_out(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit with all its qubits measured, where it measures none.

    Of an ISA circuit those on which the qubits of the logical one end.
    """
    if "measure" in circuit.count_ops():
        return circuit
    layout = circuit.layout
    at = range(circuit.num_qubits) if layout is None else layout.final_index_layout()
    measured = circuit.copy()
    register = ClassicalRegister(len(at), "read")
    measured.add_register(register)
    measured.measure(list(at), register)
    return measured


def _isa_rows(
    known: dict[str, Any], place: Place, circuit: QuantumCircuit, n_seeds: int, shots: int | None
) -> list[CircuitCost]:
    seeds = [None] if place.seed is None else range(place.seed, place.seed + n_seeds)
    target = place.target(circuit.num_qubits)
    found = [
        CircuitCost(
            **known,
            target=place.name,
            stage="isa",
            level=place.level,
            seed=seed,
            calibrated=place.calibrated,
            **_cost(isa := read_out(place.transpiled(circuit, seed))),
            **_on_target(isa, target, place.rep_delay, shots),
        )
        for seed in seeds
    ]
    if len(found) == 1:
        return found
    found.sort(key=_badness)
    ranks = {"best": found[0], "median": found[len(found) // 2], "worst": found[-1]}
    return [_ranked(row, rank) for rank, row in ranks.items()]


def _badness(row: CircuitCost) -> tuple[float, int, int]:
    return -(row.success_probability or 0.0), row.two_qubit_gates, row.depth


def _ranked(row: CircuitCost, rank: str) -> CircuitCost:
    return CircuitCost(**(row.as_dict() | {"rank": rank}))


def _cost(circuit: QuantumCircuit) -> dict[str, Any]:
    return count(circuit) | count_by_width(circuit) | {"measurements": _measurements(circuit)}


def _measurements(circuit: QuantumCircuit) -> int:
    return sum(i.operation.name == "measure" for i in circuit.data)


def _on_target(
    isa: QuantumCircuit, target: Target | None, rep_delay: float | None, shots: int | None
) -> dict[str, Any]:
    duration = _duration(isa, target)
    success = success_probability(isa, target, []) if _has_errors(target) else None
    priced = None not in (duration, rep_delay, shots)
    return {
        "duration": duration,
        "success_probability": success,
        "expected_r2": None if success is None else expected_r2(success),
        "qpu_seconds": (shots or 0) * ((duration or 0) + (rep_delay or 0)) if priced else None,
    }


def _duration(isa: QuantumCircuit, target: Target | None) -> float | None:
    """Return the seconds to the end of the last read-out, by the longest path of gates.

    A schedule as early or as late as possible takes just as long. None where the target does not
    know how long one of the instructions takes.
    """
    if target is None or target.build_coupling_map() is None:
        return None
    for instruction in isa.data:
        at = tuple(isa.find_bit(qubit).index for qubit in instruction.qubits)
        name = instruction.operation.name
        if name not in ("barrier", "delay") and at:
            properties = target[name].get(at) if name in target.operation_names else None
            if properties is None or properties.duration is None:
                return None
    return float(isa.estimate_duration(target, unit="s"))


def _has_errors(target: Target | None) -> bool:
    return target is not None and any(
        properties is not None and properties.error is not None
        for name in target.operation_names
        for properties in target[name].values()
    )


def _check_straight(name: str, circuit: QuantumCircuit) -> None:
    for instruction in circuit.data:
        if isinstance(instruction.operation, ControlFlowOp):
            raise ConfigError(
                f"circuit {name!r} holds {instruction.operation.name!r}: what its branches cost "
                "hangs on measurements; expected a circuit without control flow"
            )
