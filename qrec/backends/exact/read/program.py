"""A Qiskit circuit read once: a list of fixed matrices and of rotations by affine angles."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import CircuitInstruction, Gate, Instruction, Parameter, ParameterExpression

from qrec.backends.exact.read.pauli import unitary_transfer
from qrec.errors import ConfigError

ROTATIONS = ("rx", "ry", "rz", "p")
_FIXED = (
    *("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg"),
    *("cx", "cy", "cz", "ch", "cs", "csdg", "csx", "swap", "iswap", "ecr", "ccx", "ccz", "cswap"),
)
# Above this width a matrix costs more than the gates it is made of.
_WIDEST_MATRIX = 3


@dataclass(frozen=True, eq=False)
class Fixed:
    """A gate without parameters."""

    matrix: NDArray[np.complex128]  # (2^k, 2^k), Qiskit's order: the first qubit is lowest
    qubits: tuple[int, ...]

    def transfer(self) -> NDArray[np.float64]:
        return unitary_transfer(self.matrix)

    def kind(self) -> Hashable:
        """Return what gates of equal effect have in common, wherever they stand."""
        return self.matrix.tobytes()


@dataclass(frozen=True, eq=False)
class Channel:
    """A noisy operation without parameters, as its Pauli transfer matrix `(4^k, 4^k)`."""

    matrix: NDArray[np.float64]
    qubits: tuple[int, ...]

    def transfer(self) -> NDArray[np.float64]:
        return self.matrix

    def kind(self) -> Hashable:
        return b"channel" + self.matrix.tobytes()


@dataclass(frozen=True, eq=False)
class Rotation:
    """A one-qubit rotation by ``constant + sum_j coefficients[j] * parameters[columns[j]]``."""

    name: str  # rx, ry or rz
    qubits: tuple[int, ...]  # one
    columns: tuple[int, ...]
    coefficients: tuple[float, ...]
    constant: float

    def kind(self) -> Hashable:
        return self.name, self.constant if not self.columns else None


Operation = Fixed | Channel | Rotation
Noise = Callable[[Instruction, tuple[int, ...]], NDArray[np.float64] | None]


def depends_on_row(operation: Operation, row_columns: Sequence[bool]) -> bool:
    """Return whether an operation's angle differs from row to row."""
    return isinstance(operation, Rotation) and any(row_columns[c] for c in operation.columns)


@dataclass(frozen=True, eq=False)
class Program:
    """The operations of a circuit in order; parameter columns as in ``circuit.parameters``."""

    n_qubits: int
    n_parameters: int
    operations: tuple[Operation, ...]

    def key(self) -> Hashable:
        """Return what equal programs have in common."""
        angles = [
            (op.columns, op.coefficients, op.constant) if isinstance(op, Rotation) else None
            for op in self.operations
        ]
        gates = [(op.kind(), op.qubits) for op in self.operations]
        return self.n_qubits, self.n_parameters, tuple(gates), tuple(angles)

    @property
    def is_real(self) -> bool:
        """Whether amplitudes stay real from |0...0> on."""
        return all(
            op.name == "ry" if isinstance(op, Rotation) else bool(np.all(op.matrix.imag == 0))
            for op in self.operations
        )


def read_circuit(
    circuit: QuantumCircuit,
    noise: Noise | None = None,
    parameters: Sequence[Parameter] | None = None,
) -> Program:
    """Read a circuit into a program, up to its global phase.

    Neighbouring rotations of a qubit about one axis become one. `noise` gives the channel that
    follows an operation of given qubits, or None. Raises ConfigError for what
    has no place in an exact expectation value (measurement, reset, control flow) and for an
    angle that is not affine in the parameters.
    """
    names = circuit.parameters if parameters is None else parameters
    columns = {parameter: i for i, parameter in enumerate(names)}
    if noise is None and not all(_is_readable(instruction) for instruction in circuit.data):
        circuit = transpile(circuit, basis_gates=[*ROTATIONS, *_FIXED], optimization_level=0)
    operations: list[Operation] = []
    for instruction in circuit.data:
        qubits = tuple(circuit.find_bit(q).index for q in instruction.qubits)
        operations += _read(instruction, qubits, columns)
        if noise is not None and (channel := noise(instruction.operation, qubits)) is not None:
            operations = _with_channel(operations, channel, qubits)
    return Program(circuit.num_qubits, len(columns), merge_rotations(operations))


def _read(
    instruction: CircuitInstruction, qubits: tuple[int, ...], columns: dict[Parameter, int]
) -> list[Operation]:
    operation = instruction.operation
    if operation.name in ("barrier", "delay"):
        return []
    if operation.name in ROTATIONS:
        axis = "rz" if operation.name == "p" else operation.name  # equal up to a global phase
        rotation = Rotation(axis, (qubits[0],), *_affine(operation.params[0], columns))
        # A constant one may merge with its neighbours, unless it is a Clifford gate.
        if rotation.columns or rotation.constant % (np.pi / 2):
            return [rotation]
    if _is_readable(instruction):
        return [Fixed(np.array(operation.to_matrix()), qubits)]
    if not isinstance(operation, Gate) or operation.definition is None:
        raise ConfigError(
            f"the exact backend cannot run {operation.name!r}; expected a circuit of gates alone "
            "(an aer backend runs measurements, resets and control flow)"
        )
    parts = operation.definition
    return [
        op
        for part in parts.data
        for op in _read(part, tuple(qubits[parts.find_bit(q).index] for q in part.qubits), columns)
    ]


def _with_channel(
    operations: list[Operation], channel: NDArray[np.float64], qubits: tuple[int, ...]
) -> list[Operation]:
    """Append a channel, as one operation with the gate it follows."""
    gate = operations[-1] if operations else None
    if isinstance(gate, Fixed) and gate.qubits == qubits:
        return [*operations[:-1], Channel(channel @ gate.transfer(), qubits)]
    return [*operations, Channel(channel, qubits)]


def merge_rotations(operations: list[Operation]) -> tuple[Operation, ...]:
    """Add the angles of rotations that follow each other on a qubit about one axis."""
    merged: list[Operation] = []
    last: dict[int, int] = {}  # of each qubit, where its last operation stands in `merged`
    for operation in operations:
        place = last.get(operation.qubits[0], -1)
        before = merged[place] if place >= 0 else None
        if (
            isinstance(operation, Rotation)
            and isinstance(before, Rotation)
            and before.name == operation.name
        ):
            merged[place] = replace(
                before,
                columns=before.columns + operation.columns,
                coefficients=before.coefficients + operation.coefficients,
                constant=before.constant + operation.constant,
            )
            continue
        last |= dict.fromkeys(operation.qubits, len(merged))
        merged.append(operation)
    return tuple(merged)


def _is_free(instruction: CircuitInstruction) -> bool:
    params = instruction.operation.params
    return any(isinstance(p, ParameterExpression) and p.parameters for p in params)


def _is_readable(instruction: CircuitInstruction) -> bool:
    operation = instruction.operation
    if operation.name in (*ROTATIONS, "barrier", "delay"):
        return True
    return (
        not _is_free(instruction)
        and operation.num_qubits <= _WIDEST_MATRIX
        and hasattr(operation, "to_matrix")
    )


def _affine(
    angle: ParameterExpression | float, columns: dict[Parameter, int]
) -> tuple[tuple[int, ...], tuple[float, ...], float]:
    """Return columns, coefficients and constant of an affine angle."""
    if not isinstance(angle, ParameterExpression):
        return (), (), float(angle)
    names = list(angle.parameters)
    if isinstance(angle, Parameter):
        return (columns[angle],), (1.0,), 0.0

    def at(values: NDArray[np.float64]) -> float:
        return float(angle.bind(dict(zip(names, values, strict=True))).numeric())

    constant = at(np.zeros(len(names)))
    coefficients = [at(row) - constant for row in np.eye(len(names))]
    probe = np.linspace(0.3, 1.7, len(names))
    if not np.isclose(at(probe), constant + np.dot(coefficients, probe), rtol=1e-9, atol=1e-9):
        raise ConfigError(f"the exact backend needs angles affine in the parameters; found {angle}")
    return tuple(columns[name] for name in names), tuple(coefficients), constant
