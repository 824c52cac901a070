"""Products of sines: a user's and an item's qubits, read in pairs and never entangled."""

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qrec.errors import ConfigError


def pair_net(n_factors: int = 4) -> QuantumCircuit:
    """Return 2k qubits (k = `n_factors`) turned by a user's angles and by an item's.

    Qubits 0..k-1 take RY(u[i]), qubits k..2k-1 take RY(v[i]), and an H makes their X what is
    read: <Z_i Z_(k+i)> is sin u[i] sin v[i]. No gate joins two qubits, so that any pair may as
    well be run alone, and a classical computer needs no circuit for it; it is the control by
    which entangling circuits such as `angle_net` are measured. Not published.

    Raises ConfigError for less than one factor.
    """
    if n_factors < 1:
        raise ConfigError(f"found n_factors {n_factors}; expected at least 1")
    circuit = QuantumCircuit(2 * n_factors, name="pair_net")
    angles = [*ParameterVector("u", n_factors), *ParameterVector("v", n_factors)]
    for qubit, angle in enumerate(angles):
        circuit.ry(angle, qubit)
        circuit.h(qubit)
    return circuit
