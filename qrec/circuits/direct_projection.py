"""All |<j|U^dag M V|k>|^2 from one circuit: the ansatz acts on the registers that hold M.

Ours, not from a paper. A matrix in amplitudes, ``sum_rc M_rc |r>|c>``, needs no block encoding
to be multiplied from both sides: U^dag on the row register and V^T on the column register turn
it into ``sum_jk (U^dag M V)_jk |j>|k>``. That takes 2n + 1 qubits instead of 3n + 1, and the
probabilities are 2^n times those of `modified_objective`.
"""

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qrec.circuits.layered_ansatz import layered_ansatz
from qrec.circuits.parts.matrix import EXAMPLE, as_square, n_qubits
from qrec.circuits.qpixl import qpixl


def direct_projection(matrix: ArrayLike = EXAMPLE, n_layers: int = 2) -> QuantumCircuit:
    """Return the circuit with P(j on d(0..n-1), k on d(n..2n-1), 0 on a) = |C_jk|^2 / 4^n.

    C = U^dag M V / max(1, max|M|); `projector` on d and the value 2^n j + k reads one element.
    The angles are `theta_u` and `theta_v`, each as in `layered_ansatz`. Raises ConfigError for
    a matrix that is not 2^n x 2^n or has complex or not finite entries.
    """
    square = as_square(matrix)
    n = n_qubits(square)
    circuit = qpixl(square.ravel())
    circuit.name = "direct_projection"
    d = circuit.qregs[0]
    circuit.compose(layered_ansatz(n, n_layers, "theta_u").inverse(), d[:n], inplace=True)
    circuit.compose(_transpose(layered_ansatz(n, n_layers, "theta_v")), d[n:], inplace=True)
    return circuit


def _transpose(ansatz: QuantumCircuit) -> QuantumCircuit:
    """Return the transpose: the inverse, but RZ is symmetric and stays as it is."""
    circuit = ansatz.copy_empty_like()
    for instruction in reversed(ansatz.data):
        if instruction.operation.name == "ry":
            circuit.ry(-instruction.operation.params[0], instruction.qubits[0])
        else:
            circuit.append(instruction)
    return circuit
