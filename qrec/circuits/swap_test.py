"""The SWAP test: the squared overlap of two vectors."""

from qiskit import AncillaRegister, QuantumCircuit, QuantumRegister

from qrec.circuits.amplitude_embedding import amplitude_embedding
from qrec.circuits.encodings import register_size


def swap_test(n_factors: int = 4) -> QuantumCircuit:
    """Return the SWAP test of two real vectors u and v of length `n_factors`.

    Qubit 0 is the ancilla, then come the registers of u and of v: 1 + 2 ceil(log2 n_factors)
    qubits. Parameters ``u[i]``, ``v[i]`` are tree angles (see `amplitude_embedding`). The
    ancilla reads p0 = (1 + <u|v>^2) / 2, so <Z> of qubit 0 is the *squared* overlap: the
    sign is lost. Buhrman et al., arXiv:quant-ph/0102001; with amplitude embedding as in
    "Integrating Quantum SVD & LSTM for Improved Recommender Accuracy".
    """
    size = register_size(n_factors)
    ancilla, u, v = AncillaRegister(1, "a"), *(QuantumRegister(size, q) for q in ("qu", "qv"))
    circuit = QuantumCircuit(ancilla, u, v, name="swap_test")
    circuit.compose(amplitude_embedding(n_factors, "u"), u, inplace=True)
    circuit.compose(amplitude_embedding(n_factors, "v"), v, inplace=True)
    circuit.h(ancilla)
    for qubit_u, qubit_v in zip(u, v, strict=True):
        circuit.cswap(ancilla[0], qubit_u, qubit_v)
    circuit.h(ancilla)
    return circuit
