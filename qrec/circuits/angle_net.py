"""The report's angle-encoded variational net."""

from typing import Literal, get_args

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qrec.errors import ConfigError

Entangler = Literal["pairs", "all", "chain"]


def angle_net(
    n_factors: int = 4,
    n_layers: int = 2,
    entangler: Entangler = "pairs",
    reuploading: bool = False,
) -> QuantumCircuit:
    """Return the variational net on the angles of a user and of an item; read <Z> of qubit 0.

    Qubits 0..k-1 take RY(u[i]), qubits k..2k-1 take RY(v[i]) (k = `n_factors`); then
    `n_layers` layers of RY(theta) on every qubit and CNOTs. "Integrating Quantum SVD & LSTM
    for Improved Recommender Accuracy" has CNOTs from user to item qubits, i -> k + i
    (``"pairs"``) or all with all (``"all"``). Beyond it: ``"chain"``, each qubit to the one
    below in turn, so that every angle reaches qubit 0 within one layer and a device with a
    line of qubits needs no SWAP, and
    `reuploading`, which puts the encoding in front of every layer
    (Pérez-Salinas et al., arXiv:1907.02085).

    Parameters: ``theta[2k * layer + qubit]``, ``u[i]``, ``v[i]``, in radians.
    Raises ConfigError for an unknown entangler, and for less than one factor or layer.
    """
    if min(n_factors, n_layers) < 1:
        raise ConfigError(f"found n_factors {n_factors}, n_layers {n_layers}; expected at least 1")
    if entangler not in get_args(Entangler):
        raise ConfigError(f"entangler: found {entangler!r}, expected one of {get_args(Entangler)}")
    n_qubits = 2 * n_factors
    data = [*ParameterVector("u", n_factors), *ParameterVector("v", n_factors)]
    theta = ParameterVector("theta", n_qubits * n_layers)
    circuit = QuantumCircuit(n_qubits, name="angle_net")
    for layer in range(n_layers):
        for qubit in range(n_qubits):
            if layer == 0 or reuploading:
                circuit.ry(data[qubit], qubit)
            circuit.ry(theta[n_qubits * layer + qubit], qubit)
        for control, target in _cnots(n_factors, entangler):
            circuit.cx(control, target)
    return circuit


def _cnots(n_factors: int, entangler: Entangler) -> list[tuple[int, int]]:
    users, items = range(n_factors), range(n_factors, 2 * n_factors)
    if entangler == "pairs":
        return list(zip(users, items, strict=True))
    if entangler == "all":
        return [(user, item) for user in users for item in items]
    return [(qubit, qubit - 1) for qubit in reversed(range(1, 2 * n_factors))]
