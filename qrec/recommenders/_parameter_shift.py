"""Gradients of expectation values by the parameter-shift rule, gate by gate, on any backend.

Mitarai et al., Phys. Rev. A 98, 032309 (2018); Schuld et al., Phys. Rev. A 99, 032331 (2019).
For a gate exp(-i phi P / 2) with a Pauli P, d<O>/dphi = (<O>(phi + pi/2) - <O>(phi - pi/2)) / 2.
Every gate gets an angle of its own, so that a parameter in several gates, or inside an affine
expression, is a matter of the chain rule.
"""

from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import ParameterVector

from qrec.backends.exact.read.gates import affine
from qrec.errors import ConfigError
from qrec.types import Array

_ROTATIONS = ("rx", "ry", "rz", "p")
_FIXED = (
    *("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg"),
    *("cx", "cy", "cz", "ch", "swap", "ecr", "ccx", "cswap"),
)


@dataclass(frozen=True, eq=False)
class ShiftRule:
    """A circuit with one angle per parameterised rotation: phi = constant + coefficients p."""

    circuit: QuantumCircuit  # its parameters are phi, in this order
    constant: Array  # (n_gates,)
    coefficients: Array  # (n_gates, n_parameters)

    @property
    def evaluations_per_row(self) -> int:
        """How many evaluations give a value and its gradient."""
        return 1 + 2 * len(self.constant)

    def angles(self, rows: Array) -> Array:
        """Return phi `(n, n_gates)` for parameters `(n, n_parameters)`."""
        return np.asarray(rows @ self.coefficients.T + self.constant)

    def shifted(self, rows: Array) -> Array:
        """Return phi `(n * evaluations_per_row, n_gates)` of what value and gradient need.

        For each row the angles as they are, then each shifted by +pi/2, then by -pi/2.
        """
        n_gates = len(self.constant)
        shift = np.pi / 2 * np.eye(n_gates)
        moves = np.concatenate([np.zeros((1, n_gates)), shift, -shift])
        return np.asarray((self.angles(rows)[:, None] + moves).reshape(-1, n_gates))

    def value_and_jacobian(self, readings: Array) -> tuple[Array, Array]:
        """Return values `(n,)` and their derivatives `(n, n_parameters)` from `shifted`'s."""
        by_move = readings.reshape(-1, self.evaluations_per_row)
        plus, minus = np.split(by_move[:, 1:], 2, axis=1)
        return by_move[:, 0], (plus - minus) / 2 @ self.coefficients


def shift_rule(circuit: QuantumCircuit) -> ShiftRule:
    """Return the rule for a circuit, its parameters in the order of ``circuit.parameters``.

    Parameterised gates other than RX, RY, RZ and P are made of these first. Raises ConfigError,
    naming the instruction, for one that is no gate and for an angle that is not affine in
    the parameters.
    """
    parameters = list(circuit.parameters)
    columns = {parameter: column for column, parameter in enumerate(parameters)}
    gates = transpile(circuit, basis_gates=[*_ROTATIONS, *_FIXED], optimization_level=0)
    free = [place for place, found in enumerate(gates.data) if found.is_parameterized()]
    phi = ParameterVector("phi", len(free))
    out = QuantumCircuit(*gates.qregs, name=circuit.name)
    rows = []
    for instruction in gates.data:
        operation = instruction.operation
        if operation.name not in (*_ROTATIONS, *_FIXED, "barrier"):
            raise ConfigError(
                f"circuit {circuit.name!r} has the instruction {operation.name!r}; the "
                "parameter-shift rule needs gates alone"
            )
        if instruction.is_parameterized():
            own, slopes, constant = affine(operation.params[0], columns)
            rows.append(np.zeros(1 + len(parameters)))
            rows[-1][[0, *(1 + column for column in own)]] = constant, *slopes
            operation = operation.base_class(phi[len(rows) - 1])
        out.append(operation, [out.qubits[gates.find_bit(q).index] for q in instruction.qubits])
    table = np.array(rows).reshape(len(rows), 1 + len(parameters))
    return ShiftRule(out, table[:, 0], table[:, 1:])
