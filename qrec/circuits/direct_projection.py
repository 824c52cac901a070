"""All |<j|U^dag M V|k>|^2 from one circuit: the ansatz acts on the registers that hold M.

Ours is the reading, not the circuit, which is that of `qsvd`. A matrix in amplitudes,
``sum_rc M_rc |r>|c>``, needs no block encoding to be multiplied from both sides: U^dag on the row
register and V^T on the column register turn it into ``sum_jk (U^dag M V)_jk |j>|k>``, at any
angles, not only where the parties agree. That takes 2n qubits instead of the 3n + 1 of
`modified_objective`, whose probabilities are smaller by 8^n max(1, max|M|)^2 / |M|_F^2.
"""

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qrec.circuits.parts.matrix import EXAMPLE
from qrec.circuits.qsvd import qsvd


def direct_projection(matrix: ArrayLike = EXAMPLE, n_layers: int = 2) -> QuantumCircuit:
    """Return the circuit with |C_jk|^2 = |M|_F^2 P(j on d(0..n-1), k on d(n..2n-1)).

    C = U^dag M V; see `qsvd` for angles, gates and errors.
    """
    circuit = qsvd(matrix, n_layers)
    circuit.name = "direct_projection"
    return circuit
