"""A circuit and an observable on the qubits they use, with a device's noise if there is one."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.device import DeviceNoise
from qrec.backends.exact.observable import pauli_codes
from qrec.backends.exact.pauli import Codes, Real
from qrec.backends.exact.program import Channel, Program, read_circuit
from qrec.errors import ConfigError

_MOST_QUBITS = 31  # a Pauli string is a number of 62 bits


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be evaluated: Pauli strings (see `pauli`) after a program."""

    program: Program
    codes: Codes
    coefficients: Real

    @cached_property
    def _key(self) -> Hashable:
        return self.program.key(), self.codes.tobytes(), self.coefficients.tobytes()

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and self._key == other._key

    @property
    def is_noisy(self) -> bool:
        return any(isinstance(op, Channel) for op in self.program.operations)


def read_problem(
    circuit: QuantumCircuit,
    observable: SparseObservable,
    noise: DeviceNoise | None = None,
    parameters: Iterable[Parameter] | None = None,
) -> Problem:
    """Read a circuit and an observable, cut to the qubits in use.

    With `noise` the circuit is one for that device (its gates on its qubits), a gate is
    followed by the device's channel, and the observable is read with its read-out errors.
    `parameters` are the columns of parameter rows, by default ``circuit.parameters``.
    """
    program = read_circuit(circuit, noise.channel if noise else None, parameters)
    return on_used_qubits(program, observable, noise)


def on_used_qubits(
    program: Program, observable: SparseObservable, noise: DeviceNoise | None = None
) -> Problem:
    """Number the qubits in use from 0 and add the read-out errors."""
    measured = sorted({int(q) for q in observable.indices})
    used = sorted({q for op in program.operations for q in op.qubits} | set(measured))
    if len(used) > _MOST_QUBITS:
        raise ConfigError(
            f"the exact backend takes at most {_MOST_QUBITS} qubits, the circuit uses "
            f"{len(used)}; an aer backend with method matrix_product_state may take it"
        )
    place = {qubit: j for j, qubit in enumerate(used)}
    operations = [
        replace(op, qubits=tuple(place[q] for q in op.qubits)) for op in program.operations
    ]
    if noise is not None:
        operations += [Channel(noise.readout(q), (place[q],)) for q in measured]
    codes, coefficients = pauli_codes(observable, place)
    cut = Program(len(used), program.n_parameters, tuple(operations))
    return Problem(cut, codes, np.asarray(coefficients))
