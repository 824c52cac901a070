"""A real vector in the amplitudes of a register."""

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qrec.circuits.encodings import register_size
from qrec.circuits.parts.multiplexer import Angles, multiplexed_ry


def amplitude_embedding(n_factors: int = 4, name: str = "u") -> QuantumCircuit:
    """Return the circuit that prepares sum_i x_i |i> / |x| for a real x of length `n_factors`.

    ceil(log2 n_factors) qubits; its parameters ``name[0], name[1], ...`` are the tree angles
    of `qrec.circuits.encodings.vectors_to_angles`. Möttönen et al., arXiv:quant-ph/0407010.
    """
    n_qubits = register_size(n_factors)
    angles = ParameterVector(name, 2**n_qubits - 1)
    circuit = QuantumCircuit(n_qubits, name="amplitude_embedding")
    append_tree(circuit, angles)
    return circuit


def append_tree(circuit: QuantumCircuit, angles: Angles) -> None:
    """Append the rotations by tree angles (2^n - 1,), parameters or numbers, on n qubits."""
    n_qubits = circuit.num_qubits
    for level in range(n_qubits):
        target = n_qubits - 1 - level
        nodes = angles[2**level - 1 : 2 ** (level + 1) - 1]
        multiplexed_ry(circuit, nodes, range(target + 1, n_qubits), target)
