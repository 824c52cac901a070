"""A device as Qiskit knows one: a target, which circuits are transpiled to and noise is read from.

`qiskit_aer.noise.NoiseModel.from_backend` and `AerSimulator.from_backend` take it as it is.
"""

import logging
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp, Operation
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import InstructionProperties, Target

from qrec.backends.checks import check_finite
from qrec.errors import ConfigError


class Device(BackendV2):  # type: ignore[misc]
    """What a device can do and how well; it runs nothing."""

    max_circuits = None

    def __init__(self, name: str, target: Target) -> None:
        super().__init__(name=name)
        self._target = target

    @property
    def target(self) -> Target:
        return self._target

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: Any, **options: Any) -> Any:
        raise NotImplementedError(f"{self.name} is a description of a device: open a backend on it")


class ReadoutProperties(InstructionProperties):  # type: ignore[misc]
    """A qubit's measurement with both of its errors, under the names that Qiskit Aer looks for."""

    def __new__(cls, duration: float | None, error: float | None, *_: float) -> "ReadoutProperties":
        new: ReadoutProperties = super().__new__(cls, duration, error)
        return new

    def __init__(
        self,
        duration: float | None,
        error: float | None,
        prob_meas1_prep0: float,
        prob_meas0_prep1: float,
    ) -> None:
        super().__init__(duration, error)
        self.prob_meas1_prep0, self.prob_meas0_prep1 = prob_meas1_prep0, prob_meas0_prep1

    def __reduce__(self) -> tuple[Any, ...]:
        both = self.prob_meas1_prep0, self.prob_meas0_prep1
        return type(self), (self.duration, self.error, *both)


def read_target(configuration: dict[str, Any], properties: dict[str, Any]) -> Target:
    """Build the target from a device's configuration and properties, the service's own JSON.

    Its measurements are `ReadoutProperties`. Raises ConfigError where they are not what the
    service gives, and for a time or an error that no device can have.
    """
    from qiskit_ibm_runtime.utils.backend_converter import convert_to_target
    from qiskit_ibm_runtime.utils.backend_decoder import (
        configuration_from_server_data,
        properties_from_server_data,
    )

    name = configuration.get("backend_name")
    logging.getLogger("qiskit_ibm_runtime").setLevel(logging.ERROR)  # what it warns of is raised
    # Both change what they read. None: all gates that the configuration has, fractional or not.
    read = configuration_from_server_data(deepcopy(configuration), use_fractional_gates=None)
    if read is None:
        raise ConfigError(f"snapshot of {name!r}: its configuration is not that of a device")
    try:
        calibrated = properties_from_server_data(deepcopy(properties), use_fractional_gates=None)
        target = convert_to_target(read, calibrated)
    except Exception as error:  # the converter fails in a way of its own for every oddity
        raise ConfigError(
            f"snapshot of {name!r}: its properties are not those of such a device: "
            f"{type(error).__name__}: {error}"
        ) from error
    _read_out(target, properties)
    if wrong := next(_impossible(target), None):
        raise ConfigError(f"snapshot of {name!r}: {wrong}")
    return target


def check_isa(circuit: QuantumCircuit, target: Target, name: str) -> None:
    """Raise ConfigError where a circuit is none for a device: its noise would be left out.

    `name` is the device's.
    """
    check_width(circuit, target, name)
    _check_body(circuit, range(circuit.num_qubits), target, name)


def check_width(circuit: QuantumCircuit, target: Target, name: str) -> None:
    """Raise ConfigError where a circuit has more qubits than a device."""
    if circuit.num_qubits > target.num_qubits:
        raise ConfigError(
            f"circuit of {circuit.num_qubits} qubits; expected at most {target.num_qubits}, which "
            f"is what {name!r} has"
        )


def is_native(operation: Operation, qubits: tuple[int, ...], target: Target) -> bool:
    """Return whether a device has an operation on these qubits; barriers and delays it has."""
    if operation.num_qubits == 0 or operation.name in ("barrier", "delay"):
        return True
    if not target.instruction_supported(operation.name, qubits):
        return False
    known = target.operation_from_name(operation.name)
    return (known if isinstance(known, type) else known.base_class) is operation.base_class


def _check_body(circuit: QuantumCircuit, place: Sequence[int], target: Target, name: str) -> None:
    for instruction in circuit.data:
        operation = instruction.operation
        qubits = tuple(place[circuit.find_bit(q).index] for q in instruction.qubits)
        if isinstance(operation, ControlFlowOp):
            for block in operation.blocks:
                _check_body(block, qubits, target, name)
        elif not is_native(operation, qubits, target):
            raise not_native(operation, qubits, name)
        check_finite(operation)


def not_native(operation: Operation, qubits: tuple[int, ...], name: str) -> ConfigError:
    """Return the error of an operation that a device does not have on these qubits."""
    on = f"qubit {qubits[0]}" if len(qubits) == 1 else f"qubits {qubits}"
    return ConfigError(
        f"{operation.name!r} on {on} is no instruction of {name!r}; expected a circuit as the "
        "backend's pass_manager() gives it"
    )


def _read_out(target: Target, properties: dict[str, Any]) -> None:
    """Put both read-out errors of each qubit into the target, which has their mean.

    Where the properties have one figure alone it counts for both, none at all for no error.
    """
    if "measure" not in target.operation_names:
        return
    for qubit, entries in enumerate(properties["qubits"]):
        known = target["measure"].get((qubit,))
        if known is None:
            continue
        found = {entry["name"]: float(entry["value"]) for entry in entries}
        both = [found[k] for k in ("prob_meas1_prep0", "prob_meas0_prep1") if k in found]
        one, zero = both if len(both) == 2 else [float(known.error or 0.0)] * 2
        readout = ReadoutProperties(known.duration, known.error, one, zero)
        target.update_instruction_properties("measure", (qubit,), readout)


def _impossible(target: Target) -> Iterator[str]:
    """Yield what cannot be: T1 and T2 not above 0, and errors outside 0 to 1."""
    for number, qubit in enumerate(target.qubit_properties or ()):
        for key in ("t1", "t2"):
            time = getattr(qubit, key, None)
            if time is not None and not time > 0:
                yield f"{key.upper()} of qubit {number} is {time} s; expected more than 0"
    for name in target.operation_names:
        for qubits, known in target[name].items():
            for key in ("error", "prob_meas1_prep0", "prob_meas0_prep1"):
                error = getattr(known, key, None)
                if error is not None and not 0 <= error <= 1:
                    yield f"{name} on {qubits}: {key} is {error}; expected 0 to 1"
