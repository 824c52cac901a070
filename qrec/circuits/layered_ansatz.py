"""The ansatz of the variational SVD: a CX chain, then RZ and RY on every qubit, layer by layer.

Jojo, Khandelwal, Chandra, arXiv:2310.19504.
"""

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qrec.circuits.parts.registers import state


def layered_ansatz(n_qubits: int = 2, n_layers: int = 2, name: str = "theta") -> QuantumCircuit:
    """Return the ansatz on the register s with 2 * n_qubits * n_layers angles in radians.

    The angles are one `ParameterVector` called `name`, layer by layer, in each layer first
    those of RZ(s(0)), RZ(s(1)), ... and then those of RY.
    """
    s = state(n_qubits)
    theta = ParameterVector(name, 2 * n_qubits * n_layers)
    circuit = QuantumCircuit(s, name="layered_ansatz")
    angles = iter(theta)
    for _ in range(n_layers):
        for k in range(n_qubits - 1):
            circuit.cx(s[k], s[k + 1])
        for k in range(n_qubits):
            circuit.rz(next(angles), s[k])
        for k in range(n_qubits):
            circuit.ry(next(angles), s[k])
    return circuit
