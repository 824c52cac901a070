"""A state whose amplitudes are given numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.circuit.library import DiagonalGate, StatePreparation
from qiskit.quantum_info import Statevector

from qrec.circuits.amplitude_embedding import append_tree
from qrec.circuits.encodings import vectors_to_angles

_OFF = 1e-12  # of an amplitude: what rounding makes of some hundred gates


def prepare(amplitudes: NDArray[Any]) -> Gate:
    """Return the gate from |0...0> to these 2^m amplitudes of norm 1, in Qiskit's basis order.

    It is Qiskit's `StatePreparation` where that is exact. It takes gates that differ by less
    than 1e-5 for the same, and then small amplitudes go: the moduli come from the tree of
    `amplitude_embedding` in that case, the phases from one diagonal gate.
    """
    gate = StatePreparation(amplitudes)
    if np.abs(Statevector(gate).data - amplitudes).max() < _OFF:
        return gate
    [angles] = vectors_to_angles(np.abs(amplitudes)[None])
    circuit = QuantumCircuit(gate.num_qubits)
    append_tree(circuit, angles)
    circuit.append(DiagonalGate(np.exp(1j * np.angle(amplitudes)).tolist()), circuit.qubits)
    return circuit.to_gate(label="state preparation")
