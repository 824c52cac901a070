"""What a user hands over, looked at before it is run: gates by their class, angles by value.

Transpilers and simulators know a gate by its name alone, and draw shots for an angle of nan.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Barrier, Instruction, Operation, Parameter, ParameterExpression
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.converters import circuit_to_dag
from qiskit.dagcircuit import DAGCircuit
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import PassManager, StagedPassManager, TransformationPass

from qrec.errors import ConfigError
from qrec.types import Array

BoundRows = dict[tuple[Parameter, ...], Array]
_CLASSES = {
    name: gate if isinstance(gate, type) else gate.base_class
    for name, gate in get_standard_gate_name_mapping().items()
} | {"barrier": Barrier}


def guarded(passes: StagedPassManager) -> StagedPassManager:
    """Have a transpiler look at what it is given, and at what comes out of composite gates."""
    passes.pre_init = PassManager([CheckGates()])
    passes.pre_optimization = PassManager([NumberAngles()])
    return passes


class CheckGates(TransformationPass):  # type: ignore[misc]
    """Takes gates apart that bear the name of one of Qiskit's and are another.

    So it does with gates made of circuits where an angle in them is a number. Angles that are
    numbers become numbers. Raises ConfigError for a gate that has no definition, and for an angle
    that is not finite.
    """

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        while strangers := [node for node in dag.op_nodes() if _comes_apart(node.op)]:
            for node in strangers:
                if node.op.definition is None:
                    raise ConfigError(
                        f"gate {node.op.name!r} is not Qiskit's and has no definition; expected "
                        "another name, or one of Qiskit's gates"
                    )
                dag.substitute_node_with_dag(node, circuit_to_dag(node.op.definition))
        for node in dag.op_nodes():
            check_finite(node.op)
        return NumberAngles().run(dag)


class NumberAngles(TransformationPass):  # type: ignore[misc]
    """Does to each operation what `with_numbers` does."""

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        for node in dag.op_nodes():
            if (plain := with_numbers(node.op)) is not node.op:
                dag.substitute_node(node, plain)
        return dag


def check_finite(operation: Operation) -> None:
    """Raise ConfigError for a gate by an angle that is not finite."""
    for value in getattr(operation, "params", ()):
        if isinstance(value, float) and not np.isfinite(value):
            raise ConfigError(f"gate {operation.name!r} by {value}: expected a finite angle")


def with_numbers(operation: Operation) -> Operation:
    """Return an operation in which angles that only look like expressions, as t - t, are numbers.

    Qiskit can neither copy an operation by such a 0 nor take an evolution over it apart.
    """
    params = list(operation.params) if isinstance(operation, Instruction) else []
    places = [i for i, p in enumerate(params) if _is_number(p)]
    if not places:
        return operation
    out = operation.to_mutable()
    for i in places:
        params[i] = _number(params[i])
    out.params = params
    return out


def _is_number(angle: object) -> bool:
    if not isinstance(angle, ParameterExpression) or isinstance(angle, Parameter):
        return False
    try:
        return all(angle.gradient(parameter) == 0 for parameter in angle.parameters)
    except RuntimeError:  # it has no derivative
        return False


def _number(angle: ParameterExpression) -> float:
    return float(angle.bind(dict.fromkeys(angle.parameters, 0.0)).numeric())


def checked(circuits: Sequence[QuantumCircuit]) -> list[QuantumCircuit]:
    """Return what `CheckGates` makes of circuits."""
    return list(PassManager([CheckGates()]).run(list(circuits)))


def check_angles(values: Array, parameters: Sequence[Parameter], where: str) -> None:
    """Raise ConfigError where angles `(..., n_parameters)` are masked or not finite."""
    if np.ma.is_masked(values):
        raise ConfigError(f"{where}: found masked angles; expected an array without a mask")
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        *row, column = wrong[0].tolist()
        raise ConfigError(
            f"{where}: {parameters[column].name!r} of row {row[0] if row else 0} is "
            f"{values[tuple(wrong[0])]}; expected finite angles"
        )


@contextmanager
def angles_explained(
    circuit: QuantumCircuit, bound: BoundRows | None, where: str
) -> Iterator[None]:
    """Raise ConfigError for whatever comes of an angle that is no finite number in some row.

    What binds parameters fails there in ways of its own, as for 2/x and log(x) at x = 0.
    """
    try:
        yield
    except Exception:
        for names, rows in (bound or {}).items():
            for place, row in enumerate(rows):
                values = dict(zip(names, row.tolist(), strict=True))
                for operation in (i.operation for i in circuit.data):
                    for angle in operation.params:
                        if isinstance(angle, ParameterExpression) and not _is_finite(angle, values):
                            raise ConfigError(
                                f"{where}: gate {operation.name!r} by {angle} in row {place}: "
                                "expected an angle that is a finite number there"
                            ) from None
        raise


def _is_finite(angle: ParameterExpression, values: dict[Parameter, float]) -> bool:
    try:
        bound = angle.bind({parameter: values[parameter] for parameter in angle.parameters})
        return bool(np.isfinite(float(bound)))
    except (ZeroDivisionError, RuntimeError, TypeError):  # infinite, nan, complex
        return False


def check_observable(observable: SparseObservable, n_qubits: int, where: str) -> None:
    """Raise ConfigError for another width, and for coefficients that are no finite real numbers."""
    if observable.num_qubits != n_qubits:
        raise ConfigError(
            f"{where}: observable on {observable.num_qubits} qubits, circuit on {n_qubits}"
        )
    found = np.asarray(observable.simplify(0.0).coeffs)
    rounding = 1e-12 * np.abs(found).max(initial=0.0)
    for wrong in found[~np.isfinite(found) | (np.abs(found.imag) > rounding)][:1]:
        raise ConfigError(
            f"{where}: observable with the coefficient {wrong}; expected finite real ones"
        )


def sampler_pubs(
    pubs: Iterable[SamplerPubLike], shots: int | None, default: int | None
) -> list[SamplerPub]:
    """Return pubs with shot counts: their own, that of the call, or the sampler's."""
    coerced = [SamplerPub.coerce(pub, default if shots is None else shots) for pub in pubs]
    for place, pub in enumerate(coerced):
        if pub.shots is None:
            raise ConfigError(f"pub {place} has no shot count; expected run(pubs, shots=...)")
        _check_bound(pub.parameter_values, pub.circuit, place)
    return coerced


def estimator_pubs(
    pubs: Iterable[EstimatorPubLike], precision: float | None, default: float | None
) -> list[EstimatorPub]:
    """Return pubs with precisions in the same way."""
    taken = default if precision is None else precision
    coerced = [EstimatorPub.coerce(pub, taken) for pub in pubs]
    for place, pub in enumerate(coerced):
        _check_bound(pub.parameter_values, pub.circuit, place)
    return coerced


def check_shots_for(pubs: Sequence[EstimatorPub]) -> None:
    """Raise ConfigError where a pub asks shots for a precision of 0."""
    for place, pub in enumerate(pubs):
        if not pub.precision:
            raise ConfigError(
                f"pub {place}: precision {pub.precision}: no number of shots gives it; expected "
                "more than 0, or an exact backend"
            )


def _check_bound(values: BindingsArray, circuit: QuantumCircuit, place: int) -> None:
    parameters = list(circuit.parameters)
    check_angles(values.as_array(parameters), parameters, f"pub {place}")


def _comes_apart(operation: Operation) -> bool:
    return _is_stranger(operation) or _hides_numbers(operation)


def _hides_numbers(operation: Operation) -> bool:
    """Return whether a gate made of a circuit has angles in it that only look like expressions.

    Transpilers copy them, which Qiskit cannot: see `with_numbers`.
    """
    if not isinstance(operation, Instruction) or operation.name in _CLASSES:
        return False
    if getattr(operation, "base_class", type(None)).__module__.startswith("qiskit.circuit.library"):
        return False
    definition: Any = operation.definition
    return definition is not None and (
        any(
            any(map(_is_number, i.operation.params)) or _hides_numbers(i.operation)
            for i in definition.data
            if isinstance(i.operation, Instruction)
        )
    )


def _is_stranger(operation: Operation) -> bool:
    """Return whether an operation is, or is made of, what only has the name of Qiskit's."""
    known = getattr(operation, "base_class", None)
    if known is None:
        return False
    if operation.name in _CLASSES:
        return known is not _CLASSES[operation.name]
    if known.__module__.startswith("qiskit.circuit.library"):
        return False
    definition: Any = operation.definition
    return definition is not None and any(_is_stranger(i.operation) for i in definition.data)
