import numpy as np
import pytest
from dense_algebra import ansatz_matrix
from qiskit.quantum_info import Operator

from qrec.circuits.layered_ansatz import layered_ansatz


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("n_layers", [1, 3])
def test_ansatz_is_the_product_of_its_layers(n, n_layers):
    theta = np.random.default_rng(n).uniform(-np.pi, np.pi, 2 * n * n_layers)
    circuit = layered_ansatz(n, n_layers).assign_parameters(theta)
    unitary = Operator(circuit.reverse_bits()).data  # s(0) most significant
    np.testing.assert_allclose(unitary, ansatz_matrix(n, n_layers, theta), atol=1e-12)
