"""A Qiskit circuit read once: a list of fixed matrices and of rotations by affine angles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import CircuitInstruction, Parameter, ParameterExpression

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


@dataclass(frozen=True, eq=False)
class Rotation:
    """A one-qubit rotation by ``constant + sum_j coefficients[j] * parameters[columns[j]]``."""

    name: str  # one of ROTATIONS
    qubit: int
    columns: tuple[int, ...]
    coefficients: tuple[float, ...]
    constant: float


@dataclass(frozen=True, eq=False)
class Program:
    """The operations of a circuit in order; parameter columns as in ``circuit.parameters``."""

    n_qubits: int
    n_parameters: int
    operations: tuple[Fixed | Rotation, ...]

    @property
    def is_real(self) -> bool:
        """Whether amplitudes stay real from |0...0> on."""
        return all(
            op.name == "ry" if isinstance(op, Rotation) else bool(np.all(op.matrix.imag == 0))
            for op in self.operations
        )


def read_circuit(circuit: QuantumCircuit) -> Program:
    """Read a circuit into a program.

    Raises ConfigError for what has no place in an exact expectation value (measurement,
    reset, control flow) and for an angle that is not affine in the parameters.
    """
    columns = {parameter: i for i, parameter in enumerate(circuit.parameters)}
    if not all(_is_readable(instruction) for instruction in circuit.data):
        circuit = transpile(circuit, basis_gates=[*ROTATIONS, *_FIXED], optimization_level=0)
    operations: list[Fixed | Rotation] = []
    for instruction in circuit.data:
        name, params = instruction.operation.name, instruction.operation.params
        qubits = tuple(circuit.find_bit(q).index for q in instruction.qubits)
        if name == "barrier":
            continue
        if name in ROTATIONS:
            operations.append(Rotation(name, qubits[0], *_affine(params[0], columns)))
        elif _is_readable(instruction):
            operations.append(Fixed(instruction.operation.to_matrix(), qubits))
        else:
            raise ConfigError(
                f"the exact backend cannot run {name!r}; expected a circuit of gates alone "
                "(an aer backend runs measurements, resets and control flow)"
            )
    return Program(circuit.num_qubits, len(columns), tuple(operations))


def _is_readable(instruction: CircuitInstruction) -> bool:
    operation = instruction.operation
    if operation.name in ROTATIONS or operation.name == "barrier":
        return True
    free = any(isinstance(p, ParameterExpression) and p.parameters for p in operation.params)
    return not free and operation.num_qubits <= _WIDEST_MATRIX and hasattr(operation, "to_matrix")


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
