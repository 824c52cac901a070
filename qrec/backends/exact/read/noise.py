"""A device's noise as transfer matrices, read from its target as Qiskit Aer reads it.

`qiskit_aer.noise.NoiseModel.from_backend` builds the same errors for all qubits of a device;
here only those are built that a circuit asks for. Each gate is followed by depolarising noise
and then by the thermal relaxation of its qubits, such that the average gate error is the one
the device reports; a delay is followed by relaxation alone.
"""

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Delay, Gate, Operation, ParameterExpression
from qiskit.transpiler import Target
from qiskit.utils.units import apply_prefix

from qrec.backends.device.sources import depolarising_probability, relaxation_times
from qrec.backends.device.target import check_width, is_native, not_native
from qrec.backends.exact.read.pauli import Real
from qrec.errors import ConfigError


class DeviceNoise:
    """The channels of a device, by operation and physical qubits; each is built once.

    `target` has the errors, durations, T1 and T2 that count; `delays` is whether qubits relax in
    delays.
    """

    def __init__(self, target: Target, name: str = "the device", delays: bool = True) -> None:
        self.target, self._name, self._delays = target, name, delays
        self._channels: dict[tuple[type, tuple[int, ...]], Real | None] = {}

    def check_width(self, circuit: QuantumCircuit) -> None:
        """Raise ConfigError where a circuit has more qubits than the device."""
        check_width(circuit, self.target, self._name)

    def channel(self, operation: Operation, qubits: tuple[int, ...]) -> Real | None:
        """Return the transfer matrix `(4^k, 4^k)` that follows an operation; None if none.

        Raises ConfigError for an operation that the device does not have there.
        """
        if operation.base_class is Delay:
            return self._relaxation(qubits, self._seconds(operation)) if self._delays else None
        key = operation.base_class, qubits
        if key not in self._channels:
            self._channels[key] = self._of_gate(operation, qubits)
        return self._channels[key]

    def readout(self, qubit: int) -> Real:
        """Return what read-out errors make of a Pauli observable, as a transfer matrix.

        With p(1|0) and p(0|1) the chances to misread, P becomes
        (1 - p(1|0) - p(0|1)) P + (p(0|1) - p(1|0)) I; letters other than Z are read after an
        ideal change of basis.
        """
        properties = self.target["measure"].get((qubit,))
        out = np.eye(4)
        if properties is not None:
            one_at_0, zero_at_1 = properties.prob_meas1_prep0, properties.prob_meas0_prep1
            out[1:] *= 1.0 - one_at_0 - zero_at_1
            out[1:, 0] = zero_at_1 - one_at_0
        return out

    def _seconds(self, delay: Delay) -> float:
        if isinstance(delay.duration, ParameterExpression):
            raise ConfigError(
                f"delay of {delay.duration} {delay.unit}: the exact backend needs a number; bind "
                "it, one circuit for each, or take an aer backend"
            )
        if delay.unit != "dt":
            return float(apply_prefix(delay.duration, delay.unit))
        if self.target.dt is None:
            raise ConfigError(f"delay in dt, of which {self._name!r} has none; expected seconds")
        return float(delay.duration * self.target.dt)

    def _of_gate(self, operation: Operation, qubits: tuple[int, ...]) -> Real | None:
        if not is_native(operation, qubits, self.target):
            raise not_native(operation, qubits, self._name)
        properties = (self.target.get(operation.name) or {}).get(qubits)
        if properties is None:
            return None
        relaxation = self._relaxation(qubits, properties.duration or 0.0)
        if not properties.error or not isinstance(operation, Gate):
            return relaxation
        depolarising = _depolarising(properties.error, relaxation, len(qubits))
        if depolarising is None or relaxation is None:
            return relaxation if depolarising is None else depolarising
        return relaxation @ depolarising

    def _relaxation(self, qubits: tuple[int, ...], seconds: float) -> Real | None:
        """Return relaxation to |0> by T1 and T2 of each qubit; T2 at most 2 T1."""
        if not seconds or not self.target.qubit_properties:
            return None
        out: Real = np.ones((1, 1))
        for qubit in qubits:
            t1, t2 = relaxation_times(self.target, qubit)
            stays, coherent = np.exp(-seconds / t1), np.exp(-seconds / t2)
            single = np.diag(np.array([1.0, coherent, coherent, stays]))
            single[3, 0] = 1.0 - stays
            out = np.asarray(np.kron(single, out), float)
        return out


def _depolarising(error: float, relaxation: Real | None, n_qubits: int) -> Real | None:
    """Return the depolarising channel that makes up what relaxation leaves of a gate's error.

    `error` is one minus the average gate fidelity of both together.
    """
    dimension = 2**n_qubits
    process = 1.0 if relaxation is None else np.trace(relaxation) / dimension**2
    fidelity = (dimension * process + 1) / (dimension + 1)
    probability = depolarising_probability(error, fidelity, n_qubits)
    if probability == 0.0:
        return None
    out = np.full(dimension**2, 1.0 - probability)
    out[0] = 1.0
    return np.diag(out)
