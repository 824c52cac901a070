"""What circuits are transpiled to: a backend's target, or connected qubits of no device."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import CXGate, CZGate, ECRGate, Measure, Reset, RZGate, SXGate, XGate
from qiskit.transpiler import CouplingMap, Target, generate_preset_pass_manager

from qrec.backends.base import Backend
from qrec.errors import ConfigError

_LEVEL, _SEED = 3, 0  # where nobody says which


class Place(ABC):
    """Where a circuit is to run: its name, and how circuits are transpiled to it.

    `level` and `seed` are the transpiler's, the seed the first that is tried; None where
    circuits run as they are.
    """

    def __init__(self, name: str, level: int | None, seed: int | None) -> None:
        self.name, self.level, self.seed = name, level, seed

    @abstractmethod
    def target(self, n_qubits: int) -> Target | None:
        """Return the target for a circuit of so many qubits; None where any circuit can run."""

    @abstractmethod
    def transpiled(self, circuit: QuantumCircuit, seed: int | None) -> QuantumCircuit:
        """Return the ISA circuit. Raises ConfigError for one with too many qubits."""

    @property
    def calibrated(self) -> str | None:
        """When errors and durations were measured, ISO 8601; None where nobody did."""
        return None

    @property
    def rep_delay(self) -> float | None:
        """Seconds between two executions; None where nobody says."""
        return None

    def run(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """Transpile with the first seed."""
        return self.transpiled(circuit, self.seed)


class BackendPlace(Place):
    """A backend, with its settings of the transpiler."""

    def __init__(self, backend: Backend) -> None:
        spec = backend.spec
        level, seed = (getattr(spec, k, None) for k in ("optimization_level", "seed_transpiler"))
        super().__init__(backend.name, level, seed)
        self._backend = backend

    def target(self, n_qubits: int) -> Target | None:
        return self._backend.target

    def transpiled(self, circuit: QuantumCircuit, seed: int | None) -> QuantumCircuit:
        there = self._backend.target and self._backend.target.num_qubits
        if there is not None and circuit.num_qubits > there:
            raise ConfigError(
                f"circuit {circuit.name!r} has {circuit.num_qubits} qubits, {self.name} has {there}"
            )
        passes = self._seeded(seed).pass_manager()
        return circuit if passes is None else passes.run(circuit)

    @property
    def calibrated(self) -> str | None:
        snapshot = self._backend.pinned
        return None if snapshot is None else snapshot.date

    @property
    def rep_delay(self) -> float | None:
        snapshot = self._backend.pinned
        known = snapshot is not None and "default_rep_delay" in snapshot.configuration
        return snapshot.rep_delay if snapshot is not None and known else None

    def _seeded(self, seed: int | None) -> Backend:
        """Return the backend with another seed, and the device as it was read once."""
        if seed == self.seed:
            return self._backend
        spec = self._backend.spec.model_copy(update={"seed_transpiler": seed})
        other = type(self._backend)(spec)
        if self._backend.pinned is not None:
            other.pin(self._backend.pinned)
        return other


class Lattice(Place):
    """Qubits connected in a pattern, as many as a circuit needs, without errors or durations.

    Gates are rz, sx, x and one on two qubits; the level is 3, the first seed 0.
    """

    def __init__(self, pattern: str, gate: str) -> None:
        super().__init__(f"{pattern}:{gate}", _LEVEL, _SEED)
        self._pattern, self._gate = PATTERNS[pattern], GATES[gate]

    def target(self, n_qubits: int) -> Target:
        edges = self._pattern(n_qubits)
        n = max(edges.size(), 1)
        target = Target(num_qubits=n)
        for gate in (RZGate(Parameter("angle")), SXGate(), XGate(), Measure(), Reset()):
            target.add_instruction(gate, {(qubit,): None for qubit in range(n)})
        target.add_instruction(self._gate(), {tuple(edge): None for edge in edges.get_edges()})
        return target

    def transpiled(self, circuit: QuantumCircuit, seed: int | None) -> QuantumCircuit:
        passes = generate_preset_pass_manager(
            self.level, target=self.target(circuit.num_qubits), seed_transpiler=seed
        )
        return passes.run(circuit)


def is_lattice(name: str) -> bool:
    """Return whether a target's name is that of a pattern, whatever gate follows."""
    return name.partition(":")[0] in PATTERNS


def lattice(name: str) -> Lattice:
    """Return the lattice called ``pattern:gate``, such as line:cz. Raises ConfigError."""
    pattern, _, gate = name.partition(":")
    if pattern not in PATTERNS or gate not in GATES:
        raise ConfigError(
            f"target {name!r}: expected one of {', '.join(PATTERNS)}, a colon, and one of "
            f"{', '.join(GATES)}, such as line:cz"
        )
    return Lattice(pattern, gate)


def _grid(n: int) -> CouplingMap:
    """Return the squarest grid that holds n qubits."""
    rows = max(math.isqrt(n), 1)
    return CouplingMap.from_grid(rows, -(-n // rows))


def _heavy_hex(n: int) -> CouplingMap:
    """Return the heavy-hex lattice of the least odd distance that holds n qubits."""
    distance = 1
    while (5 * distance**2 - 2 * distance - 1) // 2 < n:
        distance += 2
    return CouplingMap.from_heavy_hex(distance)


PATTERNS: dict[str, Callable[[int], CouplingMap]] = {
    "all-to-all": CouplingMap.from_full,
    "line": CouplingMap.from_line,
    "grid": _grid,
    "heavy-hex": _heavy_hex,
}
GATES: dict[str, Callable[[], Any]] = {"cz": CZGate, "cx": CXGate, "ecr": ECRGate}
