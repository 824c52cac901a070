"""Which circuits a prediction is A + B cos phi + C sin phi in every angle of."""

from collections import Counter

from qiskit import QuantumCircuit

from qrec.backends.exact.read.program import Rotation, read_circuit
from qrec.errors import ConfigError


def check_angles_enter_once(circuit: QuantumCircuit) -> None:
    """Raise ConfigError for a parameter that does not enter one rotation, as it is or negated.

    Then, and as a rule only then, an expectation value is a sinusoid of period 2 pi in it
    (Ostaszewski, Grant, Benedetti, Quantum 5, 391, 2021, section 2).
    """
    operations = read_circuit(circuit).operations
    rotations = [op for op in operations if isinstance(op, Rotation)]
    entries = Counter(column for op in rotations for column in op.columns)
    factors = {
        column: factor
        for op in rotations
        for column, factor in zip(op.columns, op.coefficients, strict=True)
    }
    for column, parameter in enumerate(circuit.parameters):
        if entries[column] > 1:
            found = f"enters {entries[column]} rotations"
        elif abs(factors.get(column, 1.0)) != 1:
            found = f"enters a rotation times {factors[column]:g}"
        else:
            continue
        raise ConfigError(
            f"circuit {circuit.name!r}: parameter {parameter.name!r} {found} (a controlled one is "
            "made of two); Gibbs sampling needs each in one RX, RY or RZ, times 1 or -1: give "
            "every gate an angle of its own, or train with training: exact"
        )
