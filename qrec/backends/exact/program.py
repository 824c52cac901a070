"""A Qiskit circuit read once: a list of fixed matrices and of rotations by affine angles."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import CircuitInstruction, Parameter, ParameterExpression

from qrec.backends.exact.pauli import unitary_transfer
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


@dataclass(frozen=True, eq=False)
class Channel:
    """A noisy operation without parameters, as its Pauli transfer matrix `(4^k, 4^k)`."""

    matrix: NDArray[np.float64]
    qubits: tuple[int, ...]

    def transfer(self) -> NDArray[np.float64]:
        return self.matrix


@dataclass(frozen=True, eq=False)
class Rotation:
    """A one-qubit rotation by ``constant + sum_j coefficients[j] * parameters[columns[j]]``."""

    name: str  # rx, ry or rz
    qubits: tuple[int]
    columns: tuple[int, ...]
    coefficients: tuple[float, ...]
    constant: float


Operation = Fixed | Channel | Rotation


@dataclass(frozen=True, eq=False)
class Program:
    """The operations of a circuit in order; parameter columns as in ``circuit.parameters``."""

    n_qubits: int
    n_parameters: int
    operations: tuple[Operation, ...]

    @property
    def is_real(self) -> bool:
        """Whether amplitudes stay real from |0...0> on."""
        return all(
            op.name == "ry" if isinstance(op, Rotation) else bool(np.all(op.matrix.imag == 0))
            for op in self.operations
        )


def read_circuit(circuit: QuantumCircuit) -> Program:
    """Read a circuit into a program, up to its global phase.

    Neighbouring rotations of a qubit about one axis become one. Raises ConfigError for what
    has no place in an exact expectation value (measurement, reset, control flow) and for an
    angle that is not affine in the parameters.
    """
    columns = {parameter: i for i, parameter in enumerate(circuit.parameters)}
    if not all(_is_readable(instruction) for instruction in circuit.data):
        circuit = transpile(circuit, basis_gates=[*ROTATIONS, *_FIXED], optimization_level=0)
    operations: list[Operation] = []
    for instruction in circuit.data:
        name, params = instruction.operation.name, instruction.operation.params
        qubits = tuple(circuit.find_bit(q).index for q in instruction.qubits)
        if name == "barrier":
            continue
        if _is_free(instruction) and name in ROTATIONS:
            axis = "rz" if name == "p" else name  # equal up to a global phase
            operations.append(Rotation(axis, (qubits[0],), *_affine(params[0], columns)))
        elif _is_readable(instruction):
            operations.append(Fixed(np.asarray(instruction.operation.to_matrix()), qubits))
        else:
            raise ConfigError(
                f"the exact backend cannot run {name!r}; expected a circuit of gates alone "
                "(an aer backend runs measurements, resets and control flow)"
            )
    return Program(circuit.num_qubits, len(columns), merge_rotations(operations))


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
    if operation.name in ROTATIONS or operation.name == "barrier":
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
