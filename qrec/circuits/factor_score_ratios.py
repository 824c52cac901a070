"""The shares of a matrix's squared norm that its singular values hold, as outcomes of one circuit.

Bellante, Luongo, Zanero, "Quantum algorithms for SVD-based data representation and analysis",
Quantum Machine Intelligence 4 (2022), arXiv:2104.08987: the factor score ratios
sigma_l^2 / |A|_F^2, by singular value estimation of the matrix as a state.
"""

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit, QuantumRegister

from qrec.circuits import kp_encoding
from qrec.circuits.parts.matrix import EXAMPLE, as_real_matrix
from qrec.circuits.qsve import walk_estimation


def factor_score_ratios(matrix: ArrayLike = EXAMPLE, n_phase_qubits: int = 3) -> QuantumCircuit:
    """Return the circuit whose register `phase` reads k, or 2^n_phase_qubits - k, for sigma_l.

    ``cos(pi k / 2^n_phase_qubits)`` is the estimate of sigma_l / |A|_F, and its probability
    sigma_l^2 / |A|_F^2: the scree plot by which the threshold of `qsve` is chosen. A register
    `copy` of the users holds the row whose item state is estimated. Raises ConfigError as
    `kp_encoding.encode` and `walk_estimation` do.
    """
    encoding = kp_encoding.encode(matrix)
    estimation = walk_estimation(encoding, n_phase_qubits)
    item, user, _ = estimation.qregs
    copy = QuantumRegister(len(user), "copy")
    circuit = QuantumCircuit(*estimation.qregs, copy, name="factor_score_ratios")
    array = as_real_matrix(matrix)
    circuit.compose(kp_encoding.norms_state(array), copy, inplace=True)
    circuit.compose(kp_encoding.row_states(array), [*item, *copy], inplace=True)
    circuit.compose(estimation, range(estimation.num_qubits), inplace=True)
    return circuit
