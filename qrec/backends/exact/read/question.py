"""What is asked of the engine, and what is left of it on the qubits in use."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparseObservable

from qrec.backends.checks import check_observable
from qrec.backends.exact.read.cone import Letters, cone
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.observable import MOST_DIGITS, letters_of, pauli_codes
from qrec.backends.exact.read.pauli import Codes, Real
from qrec.backends.exact.read.program import Channel, Program, on_qubits, read_circuit
from qrec.errors import ConfigError

Dtype = Literal["float32", "float64"]
Device = Literal["cpu", "cuda"]


@dataclass(frozen=True, eq=False)
class Question:
    """Observables after a circuit, for parameters that come later.

    With `noise` the circuit is one for that device (its gates on its qubits), a gate is
    followed by the device's channel, and observables are read with its read-out errors.
    `parameters` are the columns of parameter rows, by default ``circuit.parameters``; `dtype`
    is that of the arithmetic, and `device` where it is done. The circuit is read once for all
    observables. Reading it raises ConfigError for what is no gate and for an angle that is not
    affine in the parameters.
    """

    circuit: QuantumCircuit
    observables: Sequence[SparseObservable]
    parameters: Iterable[Parameter] | None = None
    noise: DeviceNoise | None = None
    dtype: Dtype = "float64"
    device: Device = "cpu"

    @property
    def columns(self) -> list[Parameter]:
        """The parameters by which rows are read."""
        return list(self.circuit.parameters if self.parameters is None else self.parameters)

    @cached_property
    def program(self) -> Program:
        if self.noise is None:
            return read_circuit(self.circuit, None, self.columns)
        self.noise.check_width(self.circuit)
        return read_circuit(self.circuit, self.noise.channel, self.columns)

    def observed(self) -> list["ObservedProgram"]:
        """Return the program with each observable, on the qubits that any of them needs."""
        for observable in self.observables:
            check_observable(observable, self.circuit.num_qubits, "the exact backend")
        return on_used_qubits(self.program, self.observables, self.noise)


@dataclass(frozen=True, eq=False)
class ObservedProgram:
    """Pauli strings (see `pauli`) that are read after a program."""

    program: Program
    codes: Codes
    coefficients: Real

    @cached_property
    def _key(self) -> Hashable:
        return self.program.key(), tuple(self.codes.tolist()), self.coefficients.tobytes()

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObservedProgram) and self._key == other._key

    @property
    def is_noisy(self) -> bool:
        return any(isinstance(op, Channel) for op in self.program.operations)


def on_used_qubits(
    program: Program, observables: Sequence[SparseObservable], noise: DeviceNoise | None = None
) -> list[ObservedProgram]:
    """Number the qubits in use from 0, alike for all observables, and add the read-out errors.

    Where they are too many, each observable has those of its light cone alone.
    """
    letters = [letters_of(observable) for observable in observables]
    measured = sorted(set().union(*letters))
    operations = program.operations
    if noise is not None:
        operations += tuple(Channel(noise.readout(q), (q,)) for q in measured)
    program = replace(program, operations=operations)
    used = sorted({q for op in operations for q in op.qubits} | set(measured))
    if len(used) > MOST_DIGITS:
        return [
            _numbered(*cone(program, seen), [observable])[0]
            for observable, seen in zip(observables, letters, strict=True)
        ]
    place = {qubit: j for j, qubit in enumerate(used)}
    return _numbered(on_qubits(program, place), used, observables)


def narrow(program: Program, observed: Mapping[int, Letters]) -> tuple[Program, tuple[int, ...]]:
    """Return the `cone` of what is observed; raise ConfigError where it has too many qubits."""
    seen, kept = cone(program, observed)
    if len(kept) > MOST_DIGITS:
        raise ConfigError(
            f"the exact backend takes at most {MOST_DIGITS} qubits, what is read hangs on "
            f"{len(kept)}; expected a narrower circuit, or a backend of shots for it"
        )
    return seen, kept


def _numbered(
    program: Program, qubits: Sequence[int], observables: Sequence[SparseObservable]
) -> list[ObservedProgram]:
    """Put observables behind a program whose qubit j is ``qubits[j]`` of theirs."""
    place = {qubit: j for j, qubit in enumerate(qubits)}
    return [ObservedProgram(program, *pauli_codes(one, place)) for one in observables]
