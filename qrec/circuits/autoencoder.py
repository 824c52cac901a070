"""The quantum autoencoder: a trained unitary that leaves nothing in the trash qubits.

Romero, Olson, Aspuru-Guzik, "Quantum autoencoders for efficient compression of quantum data",
Quantum Sci. Technol. 2, 045001 (2017), arXiv:1612.02806. With |0...0> as the reference state no
SWAP test is needed: how pure it is stands in the trash qubits' own Z.
"""

from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import ParameterVector

from qrec.circuits.amplitude_embedding import append_tree
from qrec.circuits.layered_ansatz import layered_ansatz
from qrec.errors import ConfigError


def autoencoder(n_qubits: int = 3, n_latent: int = 1, n_layers: int = 2) -> QuantumCircuit:
    """Return E |x> on the registers latent and trash, of which latent is the lower.

    ``x`` are the 2^n_qubits - 1 tree angles of `amplitude_embedding`, ``theta`` the n_qubits
    angles of each layer, in radians. E is the inverse of `layered_ansatz` without its RZ: real
    data leave a complex encoder nothing to gain. The first qubit of the ansatz is the highest
    of trash, so the 2^n_latent first columns of its matrix are what the latent qubits keep.
    Raises ConfigError unless 1 <= n_latent < n_qubits and there is a layer.
    """
    if not 1 <= n_latent < n_qubits or n_layers < 1:
        raise ConfigError(
            f"found n_qubits {n_qubits}, n_latent {n_latent}, n_layers {n_layers}; expected at "
            "least one latent qubit, one trash qubit and one layer"
        )
    latent = QuantumRegister(n_latent, "latent")
    trash = QuantumRegister(n_qubits - n_latent, "trash")
    circuit = QuantumCircuit(latent, trash, name="autoencoder")
    append_tree(circuit, ParameterVector("x", 2**n_qubits - 1))
    ansatz = real_ansatz(n_qubits, n_layers)
    circuit.compose(ansatz.inverse(), circuit.qubits[::-1], inplace=True)
    return circuit


def real_ansatz(n_qubits: int, n_layers: int) -> QuantumCircuit:
    """Return `layered_ansatz` without its RZ gates: ``theta[n_qubits * layer + k]`` on s(k)."""
    theta = ParameterVector("theta", n_qubits * n_layers)
    full = layered_ansatz(n_qubits, n_layers)
    circuit, angles = full.copy_empty_like("real_ansatz"), iter(theta)
    for instruction in full.data:
        if instruction.operation.name == "ry":
            circuit.ry(next(angles), instruction.qubits[0])
        elif instruction.operation.name == "cx":
            circuit.append(instruction)
    return circuit
