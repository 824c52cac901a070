"""A Qiskit circuit read once: a list of fixed matrices and of rotations by affine angles."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Operation as QiskitOperation
from qiskit.circuit import Parameter

from qrec.backends.checks import with_numbers
from qrec.backends.exact.read.gates import (
    affine,
    axis_of,
    constant_matrix,
    does_nothing,
    parts_of,
)
from qrec.backends.exact.read.pauli import unitary_transfer


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
Noise = Callable[[QiskitOperation, tuple[int, ...]], NDArray[np.float64] | None]


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


def on_qubits(program: Program, place: Mapping[int, int]) -> Program:
    """Return a program with its qubits numbered anew by `place`, as many as that has."""
    operations = (
        replace(op, qubits=tuple(place[q] for q in op.qubits)) for op in program.operations
    )
    return Program(len(place), program.n_parameters, tuple(operations))


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
    operations: list[Operation] = []
    for instruction in circuit.data:
        operation = instruction.operation
        qubits = tuple(circuit.find_bit(q).index for q in instruction.qubits)
        operations += _read(operation, qubits, columns)
        if noise is not None and (channel := noise(operation, qubits)) is not None:
            operations = _with_channel(operations, channel, qubits)
    return Program(circuit.num_qubits, len(columns), merge_rotations(operations))


def _read(
    operation: QiskitOperation, qubits: tuple[int, ...], columns: dict[Parameter, int]
) -> list[Operation]:
    if does_nothing(operation):
        return []
    operation = with_numbers(operation)
    if (axis := axis_of(operation)) is not None:
        rotation = Rotation(axis, qubits, *affine(operation.params[0], columns))
        # A constant one may merge with its neighbours, unless it is a Clifford gate.
        if rotation.columns or rotation.constant % (np.pi / 2):
            return [rotation]
    if (matrix := constant_matrix(operation)) is not None:
        return [Fixed(matrix, qubits)]
    parts = parts_of(operation)
    return [
        op
        for part in parts.data
        for op in _read(
            part.operation, tuple(qubits[parts.find_bit(q).index] for q in part.qubits), columns
        )
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
