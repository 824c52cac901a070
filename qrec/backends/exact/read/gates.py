"""What single operations of a circuit are, by their class: a name alone can be anybody's."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    Barrier,
    ControlledGate,
    Delay,
    Gate,
    Instruction,
    Operation,
    Parameter,
    ParameterExpression,
)
from qiskit.circuit.library import (
    PauliEvolutionGate,
    PhaseGate,
    RXGate,
    RYGate,
    RZGate,
    U1Gate,
    U2Gate,
    U3Gate,
    UGate,
)
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Operator, SparseObservable, SparsePauliOp
from qiskit.synthesis import MatrixExponential, QDrift
from qiskit.transpiler.passes import HighLevelSynthesis

from qrec.errors import ConfigError

# Up to a global phase, which no expectation value sees.
_AXES = {RXGate: "rx", RYGate: "ry", RZGate: "rz", PhaseGate: "rz", U1Gate: "rz"}
_WIDEST_MATRIX = 3  # qubits; above it a matrix costs more than the gates it is made of

Affine = tuple[tuple[int, ...], tuple[float, ...], float]  # columns, coefficients, constant


def does_nothing(operation: Operation) -> bool:
    """Return whether an ideal circuit is the same without an operation."""
    global_phase = operation.num_qubits == 0
    return global_phase or _class(operation) in (Barrier, Delay)


def axis_of(operation: Operation) -> str | None:
    """Return rx, ry or rz where an operation is a rotation of one qubit about that axis."""
    return _AXES.get(_class(operation))


def constant_matrix(operation: Operation) -> NDArray[np.complex128] | None:
    """Return the matrix of a gate without parameters; None where it is too wide, or no gate."""
    if operation.num_qubits > _WIDEST_MATRIX or _is_free(operation) or any(_evolutions(operation)):
        return None
    try:
        own = hasattr(operation, "__array__")
        matrix = np.array(operation.to_matrix() if own else Operator(operation).data, complex)
    except (QiskitError, TypeError):
        return None  # its parts, if it has some, say what is wrong, or hold an open angle
    if not np.isfinite(matrix).all():
        raise ConfigError(f"gate {operation.name!r} by {operation.params}: expected finite angles")
    return matrix


def parts_of(operation: Operation) -> QuantumCircuit:
    """Return what an operation is made of, on its qubits.

    Raises ConfigError for what is made of no gates, such as a measurement, and for an evolution
    whose circuit is another operation than its matrix.
    """
    if _class(operation) is PauliEvolutionGate or isinstance(operation, AnnotatedOperation):
        for evolution in _evolutions(operation):
            _check_evolution(evolution)
    whole = QuantumCircuit(operation.num_qubits)
    if _class(operation) in (U2Gate, U3Gate, UGate):
        theta, phi, lam = [np.pi / 2, *operation.params][-3:]
        whole.rz(lam, 0)
        whole.ry(theta, 0)
        whole.rz(phi, 0)
        return whole
    is_known = isinstance(operation, Instruction)
    if not is_known or (isinstance(operation, Gate) and operation.definition is None):
        # A Clifford, an annotated gate, a wide permutation: Qiskit's passes know how.
        whole.append(operation, range(operation.num_qubits))
        parts = HighLevelSynthesis()(whole)
        if operation.name not in parts.count_ops():
            return parts
    if operation.num_clbits or operation.definition is None:
        raise ConfigError(
            f"the exact backend cannot run {operation.name!r}; expected a circuit of gates alone "
            "(an aer backend runs measurements, resets and control flow)"
        )
    return operation.definition


def _evolutions(operation: Operation) -> Iterator[PauliEvolutionGate]:
    """Yield the evolutions under Pauli strings that an operation is, or is made of."""
    known = _class(operation)
    if isinstance(operation, AnnotatedOperation):
        yield from _evolutions(operation.base_op)
    elif known is PauliEvolutionGate:
        yield operation
    elif known is not None and not known.__module__.startswith("qiskit.circuit.library"):
        whole = operation.base_gate if isinstance(operation, ControlledGate) else operation
        for inner in whole.definition.data if whole.definition is not None else ():
            yield from _evolutions(inner.operation)


def _check_evolution(gate: PauliEvolutionGate) -> None:
    """Raise ConfigError where a product formula is not the exponential that it stands for."""
    parts = gate.operator if isinstance(gate.operator, list) else [gate.operator]
    paulis = [
        pauli
        for part in parts
        for pauli in (
            SparsePauliOp.from_sparse_observable(part.as_paulis())
            if isinstance(part, SparseObservable)
            else SparsePauliOp(part)
        ).paulis
    ]
    commute = all(one.commutes(other) for i, one in enumerate(paulis) for other in paulis[:i])
    if isinstance(gate.synthesis, MatrixExponential) or (
        commute and not isinstance(gate.synthesis, QDrift)
    ):
        return
    raise ConfigError(
        f"gate {gate.name!r} of {len(paulis)} Pauli strings: its circuit, a product formula that "
        "devices run, is not its matrix; expected the one that is meant: "
        f"circuit.decompose({gate.name!r}), or a UnitaryGate"
    )


def affine(angle: ParameterExpression | float, columns: Mapping[Parameter, int]) -> Affine:
    """Return columns, coefficients and constant of an angle that is affine in the parameters.

    It is if all its derivatives are numbers: a few points would take abs(x) for x. Raises
    ConfigError where it is not, or not finite.
    """
    if isinstance(angle, Parameter):
        return (columns[angle],), (1.0,), 0.0
    names, slopes, constant = [], [], angle
    if isinstance(angle, ParameterExpression):
        names = list(angle.parameters)
        try:
            slopes = [_number(angle.gradient(name)) for name in names]
            constant = _number(angle.bind(dict.fromkeys(names, 0.0)))
        except (QiskitError, RuntimeError, TypeError):  # no derivative, or one that is no number
            raise ConfigError(
                f"angle {angle}: expected one that is affine in the parameters"
            ) from None
    if not np.isfinite([constant, *slopes]).all():
        raise ConfigError(f"angle {angle}: expected a finite one")
    return tuple(columns[name] for name in names), tuple(slopes), float(constant)


def _number(value: ParameterExpression | float) -> float:
    return float(value.numeric() if isinstance(value, ParameterExpression) else value)


def _class(operation: Operation) -> type | None:
    """Return the class of an operation of Qiskit's, as it is whatever its label."""
    return getattr(operation, "base_class", None)


def _is_free(operation: Operation) -> bool:
    params = getattr(operation, "params", ())
    return any(isinstance(p, ParameterExpression) and p.parameters for p in params)
