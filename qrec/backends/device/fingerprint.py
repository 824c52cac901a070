"""What a circuit is made of, as one number: equal for equal circuits, in any process."""

import re
from collections.abc import Iterator
from hashlib import sha256
from numbers import Number
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp, Instruction, ParameterExpression
from qiskit.circuit.library import get_standard_gate_name_mapping

from qrec.backends.checks import with_numbers

# What Qiskit calls a circuit that nobody gave a name, and the gates made of it.
_NAMELESS = re.compile(r"circuit-\d+(-\d+)?")
_STANDARD = {gate.base_class for gate in get_standard_gate_name_mapping().values()}


class UnknownFormError(Exception):
    """A circuit holds something that this module has no form for."""


def fingerprint(circuit: QuantumCircuit) -> str:
    """Return the sha256 of a circuit's structure.

    That is: its registers, its global phase, and in their order its instructions with qubits,
    classical bits and parameters: numbers to the last bit, expressions as they are written, or
    by their values where there are several parameters. Gates outside Qiskit's standard library
    count with their definitions. What the circuit is called counts not, nor what Qiskit calls
    one without a name. Raises UnknownFormError for control flow, real-time variables and unknown
    types of parameters.
    """
    digest = sha256()
    for token in _tokens(circuit):
        digest.update(f"{token!r}\n".encode())
    return digest.hexdigest()


def _tokens(circuit: QuantumCircuit) -> Iterator[Any]:
    if circuit.num_vars or circuit.num_stretches:
        raise UnknownFormError("real-time variables")
    yield circuit.num_qubits, circuit.num_clbits
    for register in (*circuit.qregs, *circuit.cregs):
        yield type(register).__name__, register.name, [circuit.find_bit(b).index for b in register]
    yield _parameter(circuit.global_phase)
    for instruction in circuit.data:
        yield (
            _operation(instruction.operation),
            [circuit.find_bit(qubit).index for qubit in instruction.qubits],
            [circuit.find_bit(clbit).index for clbit in instruction.clbits],
        )


def _operation(operation: Any) -> Any:
    if not isinstance(operation, Instruction) or isinstance(operation, ControlFlowOp):
        raise UnknownFormError(type(operation).__name__)
    form = (
        operation.base_class.__name__,
        _NAMELESS.sub("circuit", operation.name),
        operation.label,
        getattr(operation, "unit", None),  # of a delay
        [_parameter(value) for value in operation.params],
    )
    if operation.base_class in _STANDARD:
        return form
    definition = with_numbers(operation).definition
    return form if definition is None else (*form, fingerprint(definition))


def _parameter(value: Any) -> Any:
    if isinstance(value, ParameterExpression):
        return "expression", _expression(value)
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.dtype.str, value.shape, sha256(value.tobytes()).hexdigest()
    if isinstance(value, Number):
        return repr(complex(value))  # type: ignore[call-overload]
    raise UnknownFormError(type(value).__name__)


def _expression(value: ParameterExpression) -> Any:
    """Return how an expression is written, or what it is where that is open.

    Qiskit leaves the order of a sum of parameters open. Such a one is its coefficients and its
    constant; what is not affine counts by its values at two points, to nine digits.
    """
    if len(value.parameters) < 2:
        return str(value)
    named = sorted(value.parameters, key=lambda parameter: str(parameter.name))
    slopes = [value.gradient(parameter) for parameter in named]
    if not any(isinstance(slope, ParameterExpression) for slope in slopes):
        numbers = [*slopes, value.bind(dict.fromkeys(named, 0.0)).numeric()]
        # One form for 1, 1.0 and 1+0j, and for the zeros of either sign.
        return [p.name for p in named], [repr(complex(number) + 0) for number in numbers]
    values = []
    for point in range(2):
        bound = value.bind({p: _number(f"{point} {p.name}") for p in named})
        values.append(f"{complex(bound.numeric()):.9g}")
    return [p.name for p in named], values


def _number(name: str) -> float:
    """Return a number from 1 to 2 that hangs on a name and nothing else."""
    return 1.0 + int.from_bytes(sha256(name.encode()).digest()[:6], "big") / 2**48
